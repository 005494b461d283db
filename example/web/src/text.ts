// Control sequences of terminals: CSI, OSC, and the two-character ones.
const ESCAPES =
  // eslint-disable-next-line no-control-regex
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?|[ -/]*[0-~])/g;
// What is left of the control characters, but for tab and line feed.
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** What a terminal would show: without colours, and of a line written over, its last state. */
export function plainOutput(output: string): string {
  const lines = output.replace(ESCAPES, "").split("\n");
  return lines.map(lastWritten).join("\n").replace(CONTROLS, "");
}

/** By hand: an expression would take time that grows with the square of a line's length. */
function lastWritten(line: string): string {
  let end = line.length;
  while (line[end - 1] === "\r") end -= 1;
  return line.slice(line.lastIndexOf("\r", end - 1) + 1, end);
}

export interface Tail {
  text: string;
  linesHidden: number;
}

/** The last lines of a text, and how many come before them. */
export function tailLines(text: string, linesMax: number): Tail {
  const lines = text.replace(/\n$/, "").split("\n");
  const linesHidden = Math.max(0, lines.length - linesMax);
  return { text: lines.slice(linesHidden).join("\n"), linesHidden };
}

/** A piece of an answer, of the few things that are set apart. */
export type Piece =
  { type: "text" | "strong" | "code" | "fence"; text: string } | { type: "link"; text: string };

const FENCE = /^```[^\n]*\n([\s\S]*?)(?:\n```[^\S\n]*$|$(?![\s\S]))/gm;
const INLINE =
  /`([^`\n]+)`|\*\*([^*\s](?:[^*\n]*[^*\s])?)\*\*|(https?:\/\/[^\s<>"'`)\]}]*[^\s<>"'`)\]}.,;:!?])/g;

/** Cuts an answer into pieces. Everything else is shown as it was written. */
export function cutText(text: string): Piece[] {
  const parts: Piece[][] = [];
  let from = 0;
  for (const match of text.matchAll(FENCE)) {
    parts.push(cutInline(withoutLastNewlines(text.slice(from, match.index))));
    parts.push([{ type: "fence", text: match[1] ?? "" }]);
    from = match.index + match[0].length;
    while (text[from] === "\n") from += 1;
  }
  parts.push(cutInline(text.slice(from)));
  return parts.flat().filter((piece) => piece.text !== "");
}

function withoutLastNewlines(text: string): string {
  let end = text.length;
  while (text[end - 1] === "\n") end -= 1;
  return text.slice(0, end);
}

function cutInline(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, link] = match;
    pieces.push({ type: "text", text: text.slice(from, match.index) });
    if (code !== undefined) pieces.push({ type: "code", text: code });
    else if (strong !== undefined) pieces.push({ type: "strong", text: strong });
    else if (link !== undefined) pieces.push({ type: "link", text: link });
    from = match.index + whole.length;
  }
  pieces.push({ type: "text", text: text.slice(from) });
  return pieces;
}
