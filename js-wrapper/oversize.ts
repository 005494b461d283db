/** What is too large to be stored: what stands for it says how large it was, and keeps what of it is small. */

/** UTF-8 bytes of an item or an event that are stored. SOURCE: a batch holds 8 MiB, in which it is a string inside of a string. */
const STORED_BYTES_MAX = 3 * 1024 * 1024;
/** UTF-16 units of a text that a stub keeps: ids, types, statuses, a command, a path, what somebody typed beside a picture. */
const TEXT_UNITS_MAX = 4 * 1024;
/** Members of an object, and of a list, that a stub keeps, the first. */
const MEMBERS_MAX = 64;
/** How deep a stub goes. */
const DEPTH_MAX = 4;
/** UTF-16 units of JSON that a stub may have; a larger one keeps its outermost small members alone. */
const STUB_UNITS_MAX = 256 * 1024;

/** How large it was, in UTF-8 bytes, and their SHA-256 in hexadecimal. */
export interface Oversize {
  readonly bytes: number;
  readonly sha256: string;
}

/** Whether a message, or an item, stands for one that was too large to be stored. */
export function isStub(value: object): boolean {
  const { oversize } = value as { oversize?: Partial<Record<keyof Oversize, unknown>> | null };
  return typeof oversize?.bytes === "number" && typeof oversize.sha256 === "string";
}

/** A text as UTF-8, where that is more than is stored; undefined where it fits, which is told without counting for most. */
export function utf8IfOversize(json: string): Uint8Array<ArrayBuffer> | undefined {
  if (json.length * 3 <= STORED_BYTES_MAX) return undefined;
  const utf8 = new TextEncoder().encode(json);
  return utf8.length > STORED_BYTES_MAX ? utf8 : undefined;
}

/** What of a value is small. Undefined where it is a large text, or lies too deep. */
export function smallOf(value: unknown): unknown {
  const whole = cut(value, DEPTH_MAX);
  return JSON.stringify([whole]).length <= STUB_UNITS_MAX ? whole : cut(value, 1);
}

function cut(value: unknown, depth: number): unknown {
  if (typeof value === "string") return value.length <= TEXT_UNITS_MAX ? value : undefined;
  if (value === null || typeof value !== "object") return value;
  if (depth === 0) return undefined;
  if (Array.isArray(value)) {
    const kept = value.slice(0, MEMBERS_MAX).map((member: unknown) => cut(member, depth - 1));
    return kept.filter((member) => member !== undefined);
  }
  const kept = Object.entries(value).map(([name, member]) => [name, cut(member, depth - 1)] as const);
  return Object.fromEntries(kept.filter(([name, member]) => member !== undefined && name.length <= TEXT_UNITS_MAX).slice(0, MEMBERS_MAX));
}
