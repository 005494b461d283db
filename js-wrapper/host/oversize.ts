import { hexOf } from "../hex.js";
import { smallOf, utf8IfOversize } from "../oversize.js";

/**
 * An item's JSON as it is stored.
 *
 * @param item as the app-server has it
 * @returns its JSON; of an item of over 3 MiB what of it is small and `oversize: {bytes, sha256}`, those of its JSON
 */
export async function storableItem(item: unknown): Promise<string> {
  const json = JSON.stringify(item);
  const utf8 = utf8IfOversize(json);
  if (utf8 === undefined || item === null || typeof item !== "object") return json;
  const sha256 = hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8)));
  return JSON.stringify({ ...(smallOf(item) as object), oversize: { bytes: utf8.length, sha256 } });
}
