/** Texts and payloads in parts, beside the row that they belong to. */
import type { Doc } from "../_generated/dataModel.js";
import type { ReadCtx, WriteCtx } from "./scope.js";

/** UTF-16 units of a payload's part: at most 192 KiB of UTF-8. */
export const PAYLOAD_PART_UNITS = 64 * 1024;

/** Parts of one text or payload: 3 MiB, the largest event, take 48. */
export const PARTS_MAX = 1_024;

type Owner = Doc<"parts">["owner"];

/** Makes the parts of `owner` read `texts`: writes those that differ, and no other. */
export async function writeParts(
  ctx: WriteCtx,
  owner: Owner,
  kind: string,
  texts: readonly string[],
  ownerIsNew = false,
): Promise<void> {
  const old = ownerIsNew ? [] : await partsOf(ctx, owner, kind).take(PARTS_MAX);
  for (const [part, text] of texts.entries()) {
    const before = old[part];
    if (before === undefined) await ctx.db.insert("parts", { owner, kind, part, text });
    else if (before.text !== text) await ctx.db.patch("parts", before._id, { text });
  }
  for (const surplus of old.slice(texts.length)) await ctx.db.delete("parts", surplus._id);
}

/** The parts of `owner` from part `from` on, in order. */
export function partsOf(ctx: ReadCtx, owner: Owner, kind: string, from = 0) {
  return ctx.db.query("parts").withIndex("by_owner", (q) => q.eq("owner", owner).eq("kind", kind).gte("part", from));
}

/** The parts of `owner`, joined. */
export async function readParts(ctx: ReadCtx, owner: Owner, kind: string): Promise<string> {
  return (await partsOf(ctx, owner, kind).take(PARTS_MAX)).map((part) => part.text).join("");
}

/** `text` in pieces of at most `units` UTF-16 units, no surrogate pair parted. */
export function splitUnits(text: string, units: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    let end = Math.min(at + units, text.length);
    if (end < text.length && isHigh(text.charCodeAt(end - 1))) end -= 1;
    pieces.push(text.slice(at, end));
    at = end;
  }
  return pieces;
}

/** The first `bytesMax` bytes of a text, no character parted. */
export function cut(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax) return text;
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytesMax));
  return text.slice(0, read);
}

/** UTF-8 bytes of a text. */
export const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length;

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
