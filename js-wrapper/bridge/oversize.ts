import { createHash } from "node:crypto";
import { type Oversize, smallOf, utf8IfOversize } from "../oversize.js";
import { TEXT_DELTAS } from "../protocol/delta-kinds.js";

/** Items whose text has come in deltas, and is stored: an end without it would take it away. */
const STREAMED: ReadonlySet<string> = new Set([...TEXT_DELTAS.values(), "reasoning"]);
/** What of a message's params names it. */
const NAMES = ["threadId", "conversationId", "turnId", "itemId"] as const;

interface Params extends Partial<Record<(typeof NAMES)[number], unknown>> {
  readonly item?: { readonly id?: unknown; readonly type?: unknown };
  readonly turn?: object;
}

/**
 * What stands for a message that is too large to be stored: its method, its id where it asks, and what names it; of an item, and of a
 * turn, what of them is small. `oversize` is in the item where there is one, so that who reads it is told.
 *
 * @param payloadJson the message
 * @returns JSON; undefined where it is not over 3 MiB
 */
export function oversizeStub(payloadJson: string): string | undefined {
  const utf8 = utf8IfOversize(payloadJson);
  if (utf8 === undefined) return undefined;
  const oversize: Oversize = { bytes: utf8.length, sha256: createHash("sha256").update(utf8).digest("hex") };
  const { method, id, params = {} } = JSON.parse(payloadJson) as { method: string; id?: unknown; params?: Params };
  const { item, turn } = params;
  const names = Object.fromEntries(NAMES.flatMap((name) => (params[name] === undefined ? [] : [[name, smallOf(params[name])]])));
  const said = { method, ...(id === undefined ? {} : { id }) };
  const isKept = item !== undefined && !STREAMED.has(String(item.type));
  if (isKept) return JSON.stringify({ ...said, params: { ...names, item: { ...(smallOf(item) as object), oversize } } });
  const about = item === undefined ? {} : { itemId: smallOf(item.id) };
  return JSON.stringify({ ...said, params: { ...names, ...about, ...(turn === undefined ? {} : { turn: smallOf(turn) }) }, oversize });
}
