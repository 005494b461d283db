import type { Color, DecorationType, ParseToken } from "ansi-sequence-parser";
import { createAnsiSequenceParser, createColorPalette } from "ansi-sequence-parser";

// Control sequences of terminals, but for the ones that colour: CSI, OSC (titles, links), strings, and the two-character ones.
const OTHER_ESCAPES =
  // eslint-disable-next-line no-control-regex
  /\u001b(?!\[[\d;:]*m)(?:\[[0-?]*[ -/]*[@-~]?|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b\n]*(?:\u001b\\)?|[ -/]*[0-~])?/g;
// eslint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[\d;:]*m/g;
// What is left of the control characters, but for tab, line feed, and the escape of a colour.
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]/g;

/** Runs of one look that are drawn apart; what comes after them is drawn in one. */
export const RUNS_MAX = 1_000;

/** A run of text that looks the same. */
export interface Run {
  text: string;
  /** Names of `styles/output.css`, with a space between them; empty for text as any other. */
  look: string;
  /** A colour that has no name: the theme sees to it that it can be read. */
  colour?: string;
}

const PALETTE = createColorPalette();

/**
 * Reads what a program printed for a terminal. Colours and weights are kept, and nothing else that a terminal would do: no
 * cursor moves, no link, no title. Of a line that was written over, the last state is kept.
 *
 * ```ts
 * readRuns("\u001b[31mFAIL\u001b[0m total"); // [{ text: "FAIL", look: "ansi-red" }, { text: " total", look: "" }]
 * ```
 *
 * @param output a page of it at most: what this costs grows with its length
 * @returns its runs, {@link RUNS_MAX} + 1 at most
 */
export function readRuns(output: string): Run[] {
  const tokens = createAnsiSequenceParser().parse(cleanOutput(output));
  const runs: Run[] = [];
  for (const token of tokens) {
    const run = runOf(token);
    const last = runs.at(-1);
    if (last !== undefined && (runs.length > RUNS_MAX || isAlike(last, run))) last.text += run.text;
    else runs.push(runs.length === RUNS_MAX ? { text: run.text, look: "" } : run);
  }
  return runs;
}

/** What is left of an output for a reader: its text, and the sequences that colour it. */
function cleanOutput(output: string): string {
  const lines = output.replace(OTHER_ESCAPES, "").split("\n");
  return lines.map(lastWritten).join("\n").replace(CONTROLS, "");
}

/** The same without colours. */
export function plainOutput(output: string): string {
  return cleanOutput(output).replace(COLOURS, "");
}

/** By hand: an expression would take time that grows with the square of a line's length. */
function lastWritten(line: string): string {
  let end = line.length;
  while (line[end - 1] === "\r") end -= 1;
  const from = line.lastIndexOf("\r", end - 1) + 1;
  if (from === 0 || end === 0) return line.slice(0, end);
  const colours = line.slice(0, from).match(COLOURS) ?? [];
  return colours.slice(-COLOURS_KEPT).join("") + line.slice(from, end);
}

/** More of them before a line's last state are of no use to it. */
const COLOURS_KEPT = 8;

const DECORATIONS: readonly DecorationType[] = [
  "bold",
  "dim",
  "italic",
  "underline",
  "strikethrough",
];

function runOf({ value, foreground, background, decorations }: ParseToken): Run {
  const looks: string[] = DECORATIONS.filter((name) => decorations.has(name)).map(
    (name) => `ansi-${name}`,
  );
  // A background is a tint, and what is hidden is shown: no text is made unreadable.
  if (background !== null || decorations.has("reverse")) looks.push("ansi-marked");
  if (foreground?.type === "named") looks.push(`ansi-${foreground.name}`);
  const colour =
    foreground === null || foreground.type === "named" ? undefined : colourOf(foreground);
  if (colour !== undefined) looks.push("ansi-other");
  return { text: value, look: looks.join(" "), ...(colour === undefined ? {} : { colour }) };
}

const FULL = 255;

function colourOf(colour: Exclude<Color, { type: "named" }>): string | undefined {
  if (colour.type === "table") {
    return Number.isInteger(colour.index) && colour.index >= 0 && colour.index <= FULL
      ? PALETTE.value(colour)
      : undefined;
  }
  const [red, green, blue] = colour.rgb.map((part) => Math.max(0, Math.min(FULL, part)));
  return `rgb(${red ?? 0} ${green ?? 0} ${blue ?? 0})`;
}

function isAlike(a: Run, b: Run): boolean {
  return a.look === b.look && a.colour === b.colour;
}
