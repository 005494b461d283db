/** Items that are too large to be stored: what stands for one says how large it was, and keeps what of it is small. */

/** UTF-8 bytes of an item that are stored. SOURCE: a batch holds 8 MiB, in which an item is a string inside of a string. */
const ITEM_BYTES_MAX = 3 * 1024 * 1024;
/** UTF-16 units of the members that a stub keeps: ids, types, statuses, a command, a path. */
const MEMBER_UNITS_MAX = 4 * 1024;

/**
 * An item's JSON as it is stored.
 *
 * @param item as the app-server has it
 * @returns its JSON; of an item of over 3 MiB its small members and `oversize: {bytes, sha256}`, those of its JSON
 */
export async function storableItem(item: unknown): Promise<string> {
  const json = JSON.stringify(item);
  if (json.length * 3 <= ITEM_BYTES_MAX) return json;
  const utf8 = new TextEncoder().encode(json);
  if (utf8.length <= ITEM_BYTES_MAX || item === null || typeof item !== "object") return json;
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8));
  const sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const small = Object.entries(item).filter(([, value]) => JSON.stringify([value]).length <= MEMBER_UNITS_MAX);
  return JSON.stringify({ ...Object.fromEntries(small), oversize: { bytes: utf8.length, sha256 } });
}
