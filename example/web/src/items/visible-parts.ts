// Controls, marks that reorder or join, what takes no room, and every space that is not the space. Tab and line feed are
// not among them: they show as what they are.
const UNSEEN =
  /(?![\n\t ])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Zs}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** More of them are named in the text itself, without an element each. */
export const MARKS_MAX = 100;

const NAMES = new Map([
  [0x00, "null"],
  [0x07, "bell"],
  [0x08, "backspace"],
  [0x0d, "carriage return"],
  [0x1b, "escape"],
  [0x7f, "delete"],
  [0xa0, "no-break space"],
  [0xad, "soft hyphen"],
  [0x061c, "arabic letter mark"],
  [0x200b, "zero width space"],
  [0x200c, "zero width non-joiner"],
  [0x200d, "zero width joiner"],
  [0x200e, "left-to-right mark"],
  [0x200f, "right-to-left mark"],
  [0x202a, "left-to-right embedding"],
  [0x202b, "right-to-left embedding"],
  [0x202c, "pop directional formatting"],
  [0x202d, "left-to-right override"],
  [0x202e, "right-to-left override"],
  [0x2060, "word joiner"],
  [0x2066, "left-to-right isolate"],
  [0x2067, "right-to-left isolate"],
  [0x2068, "first strong isolate"],
  [0x2069, "pop directional isolate"],
  [0xfeff, "zero width no-break space"],
]);

/** A run of what can be seen, or one character that cannot, by its number and name. */
export type VisiblePart =
  { type: "text"; text: string } | { type: "mark"; text: string; name: string };

/**
 * Cuts a text at the characters that a reader could not see.
 *
 * ```ts
 * visibleParts("rm \u202efdp.a"); // "rm ", U+202E "right-to-left override", "fdp.a"
 * ```
 *
 * @param text what is shown
 * @returns its parts, in order: at most {@link MARKS_MAX} marks, the others spelled out in the last part
 */
export function visibleParts(text: string): VisiblePart[] {
  const parts: VisiblePart[] = [];
  let from = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (parts.length >= 2 * MARKS_MAX) break;
    const { index } = match;
    const [unseen] = match;
    parts.push({ type: "text", text: text.slice(from, index) }, markOf(unseen));
    from = index + unseen.length;
  }
  parts.push({ type: "text", text: spellOut(text.slice(from)) });
  return parts.filter((part) => part.text !== "");
}

/** The same as one string, for where no element can be: a title, a label, a name. */
export function spellOut(text: string): string {
  return text.replace(UNSEEN, (unseen) => `⟨${markOf(unseen).text}⟩`);
}

function markOf(unseen: string): { type: "mark"; text: string; name: string } {
  const code = unseen.codePointAt(0) ?? 0;
  const text = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return { type: "mark", text, name: NAMES.get(code) ?? "a character that cannot be seen" };
}
