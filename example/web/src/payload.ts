type Fields = Record<string, unknown>;

/** The item of a message's payload, for what its text does not say. */
export function readItem(payloadJson: string | undefined): Fields {
  if (payloadJson === undefined) return {};
  try {
    const payload = fields(JSON.parse(payloadJson));
    const params = fields(payload["params"]);
    const inner = params["item"] ?? payload["item"];
    return inner === undefined ? payload : fields(inner);
  } catch {
    return {};
  }
}

/** What is said in the place of a payload that is too large for a list: its stub holds its length alone. */
export function tooLarge(item: Fields): string {
  const units = numberOf(fields(item["$payload"])["units"]) ?? 0;
  return `output too large for a list (${units.toLocaleString()} characters)`;
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export interface FileChange {
  path: string;
  kind: "add" | "update" | "delete";
  movedTo: string | undefined;
  diff: string;
}

export function fileChanges(item: Fields): FileChange[] {
  const changes = item["changes"];
  if (!Array.isArray(changes)) return [];
  return changes.map(fields).map((change) => {
    const kind = fields(change["kind"]);
    const type = stringOf(kind["type"]) ?? stringOf(change["kind"]);
    return {
      path: stringOf(change["path"]) ?? "",
      kind: type === "add" || type === "delete" ? type : "update",
      movedTo: stringOf(kind["move_path"]) ?? stringOf(kind["movePath"]),
      diff: stringOf(change["diff"]) ?? "",
    };
  });
}

export type DiffLine = { type: "add" | "delete" | "context" | "hunk"; text: string };

/** The lines of a change. An added or deleted file comes as its content, not as a diff. */
export function diffLines({ kind, diff }: FileChange): DiffLine[] {
  const lines = diff.replace(/\n$/, "").split("\n");
  if (diff === "") return [];
  if (kind !== "update" && !diff.startsWith("@@"))
    return lines.map((text) => ({ type: kind, text }));
  return lines
    .filter((line) => !/^(?:---|\+\+\+) |^\\ No newline/.test(line))
    .map((line): DiffLine => {
      if (line.startsWith("@@")) return { type: "hunk", text: line };
      if (line.startsWith("+")) return { type: "add", text: line.slice(1) };
      if (line.startsWith("-")) return { type: "delete", text: line.slice(1) };
      return { type: "context", text: line.startsWith(" ") ? line.slice(1) : line };
    });
}

const SHELL = /^(?:\S*\/)?(?:ba|z|da)?sh -l?c (['"])([\s\S]*)\1$/;

/** The command that a shell was started for. */
export function bareCommand(command: string): string {
  const [, quote, inner] = SHELL.exec(command) ?? [];
  if (inner === undefined) return command;
  return quote === "'" ? inner.replaceAll(`'\\''`, "'").replaceAll(`'"'"'`, "'") : inner;
}

/** Longer values are set over several lines, in characters. */
const LINE_LENGTH_MAX = 80;

/** What a tool call was given or gave back, as text. */
export function toolText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string") return value;
  const content = Array.isArray(value) ? value : fields(value)["content"];
  const texts = Array.isArray(content)
    ? content.map((part) => stringOf(fields(part)["text"])).filter((text) => text !== undefined)
    : [];
  if (texts.length > 0) return texts.join("\n");
  const line = JSON.stringify(value);
  return line.length <= LINE_LENGTH_MAX ? line : JSON.stringify(value, null, 2);
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
