import { parsePatch } from "diff";
import type { Fields } from "./payload.js";
import { fields, listOf, stringOf } from "./payload.js";

/** A file that Codex changed. */
export interface FileChange {
  path: string;
  kind: "add" | "update" | "delete";
  movedTo: string | undefined;
  diff: string;
}

/** The changes of a `fileChange` item. */
export function fileChanges(item: Fields): FileChange[] {
  return listOf(item["changes"]).map((change) => {
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

/** A change as who decides on it has to see it. */
export interface WholeChange {
  change: FileChange;
  /** What else is said of it. */
  others: Fields;
}

/**
 * The changes that are decided on.
 *
 * @param changes of a `fileChange` item, or the `fileChanges` of a request of before
 * @returns undefined where there are none, or where one of them is not what a change is: it could not be shown
 */
export function wholeChanges(changes: unknown): WholeChange[] | undefined {
  const read = Array.isArray(changes)
    ? changes.map((change) => changeOf(fields(change)))
    : Object.entries(fields(changes)).map(([path, change]) => oldChangeOf(path, fields(change)));
  const known = read.filter((change) => change !== undefined);
  return known.length === read.length && known.length > 0 ? known : undefined;
}

function changeOf({ path, kind, diff, ...others }: Fields): WholeChange | undefined {
  const { type, move_path: movedTo, ...ofKind } = typeof kind === "string" ? { type: kind } : fields(kind);
  return whole({ path, kind: type, movedTo, diff }, { ...others, ...ofKind });
}

/** SOURCE: app-server 0.169.0, `FileChange`. */
function oldChangeOf(path: string, { type, content, unified_diff: diff, move_path: movedTo, ...others }: Fields): WholeChange | undefined {
  return type === "update" ? whole({ path, kind: type, movedTo, diff }, { ...others, content }) : whole({ path, kind: type, movedTo, diff: content }, { ...others, unified_diff: diff });
}

function whole({ path, kind, movedTo, diff }: Record<keyof FileChange, unknown>, others: Fields): WholeChange | undefined {
  if (typeof path !== "string" || path === "" || typeof diff !== "string") return undefined;
  if (kind !== "add" && kind !== "update" && kind !== "delete") return undefined;
  const more = Object.entries({ ...others, ...(typeof movedTo !== "string" && { move_path: movedTo }) });
  const said = more.filter(([, value]) => value !== null && value !== undefined);
  return { change: { path, kind, movedTo: stringOf(movedTo), diff }, others: Object.fromEntries(said) };
}

/** A line, and its numbers before and after: 0 where it has none. */
export interface DiffLine {
  type: "add" | "delete" | "context" | "hunk";
  text: string;
  before: number;
  after: number;
}

/** A change, read. */
export interface Diff {
  lines: DiffLine[];
  added: number;
  deleted: number;
  /** Of a file that has no lines, or of a diff whose headers are not borne out by its lines. */
  form: "lines" | "binary" | "unreadable";
}

const BINARY = /^(?:Binary files .* differ|GIT binary patch)$/m;

/**
 * Reads a change. An added or deleted file comes as its content, not as a diff; of a moved one the diff says so at its end.
 *
 * @param change as `fileChanges` gives it
 * @returns its lines and how many of them are new or gone
 */
export function readDiff({ kind, diff, movedTo }: FileChange): Diff {
  const said = movedTo === undefined ? "" : `\n\nMoved to: ${movedTo}`;
  const body = said !== "" && diff.endsWith(said) ? diff.slice(0, -said.length) : diff;
  if (body.includes("\0") || BINARY.test(body)) return { ...NOTHING, form: "binary" };
  if (body.trim() === "" && kind === "update") return NOTHING;
  if (kind !== "update" && !/^(?:@@ |--- |diff )/.test(body)) return contentOf(kind, body);
  return patchOf(body) ?? { ...NOTHING, lines: bySigns(body), form: "unreadable" };
}

const NOTHING: Diff = { lines: [], added: 0, deleted: 0, form: "lines" };

function contentOf(kind: "add" | "delete", content: string): Diff {
  if (content === "") return NOTHING;
  const lines = content
    .replace(/\n$/, "")
    .split("\n")
    .map((text, i): DiffLine => {
      const number = i + 1;
      return {
        type: kind,
        text,
        before: kind === "add" ? 0 : number,
        after: kind === "add" ? number : 0,
      };
    });
  const count = lines.length;
  return {
    lines,
    added: kind === "add" ? count : 0,
    deleted: kind === "add" ? 0 : count,
    form: "lines",
  };
}

/** Undefined where its hunks are not what their headers say. */
function patchOf(patch: string): Diff | undefined {
  try {
    const hunks = parsePatch(patch).flatMap((file) => file.hunks);
    if (hunks.length === 0) return undefined;
    const lines: DiffLine[] = [];
    let added = 0;
    let deleted = 0;
    for (const { oldStart, oldLines, newStart, newLines, lines: inHunk } of hunks) {
      let before = oldStart;
      let after = newStart;
      const header = `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`;
      lines.push({ type: "hunk", text: header, before: 0, after: 0 });
      for (const line of inHunk) {
        const text = line.slice(1);
        if (line.startsWith("+")) lines.push({ type: "add", text, before: 0, after: after++ });
        else if (line.startsWith("-"))
          lines.push({ type: "delete", text, before: before++, after: 0 });
        else if (!line.startsWith("\\"))
          lines.push({ type: "context", text, before: before++, after: after++ });
        if (line.startsWith("+")) added += 1;
        if (line.startsWith("-")) deleted += 1;
      }
    }
    return { lines, added, deleted, form: "lines" };
  } catch {
    return undefined;
  }
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/**
 * Reads a change for who decides on it: every line of it is there, also those that no hunk has and those of a file that has no lines. What
 * is added or deleted is its content, whatever that looks like.
 *
 * @param change as `wholeChanges` gives it
 */
export function wholeDiff({ kind, diff }: FileChange): DiffLine[] {
  if (diff === "") return [];
  if (kind !== "update") return contentOf(kind, diff).lines;
  let [before, after, beforeLeft, afterLeft] = [0, 0, 0, 0];
  return diff
    .replace(/\n$/, "")
    .split("\n")
    .map((line): DiffLine => {
      const text = line.slice(1);
      const isGone = line.startsWith("-") && beforeLeft > 0;
      const isNew = line.startsWith("+") && afterLeft > 0;
      // Some editors take the space of an empty line away.
      const isKept = (line === "" || line.startsWith(" ")) && beforeLeft > 0 && afterLeft > 0;
      if (isGone || isKept) beforeLeft -= 1;
      if (isNew || isKept) afterLeft -= 1;
      if (isGone) return { type: "delete", text, before: before++, after: 0 };
      if (isNew) return { type: "add", text, before: 0, after: after++ };
      if (isKept) return { type: "context", text, before: before++, after: after++ };
      const [, from, lines = "1", to, linesAfter = "1"] = HUNK.exec(line) ?? [];
      if (from !== undefined) [before, beforeLeft, after, afterLeft] = [from, lines, to, linesAfter].map(Number) as [number, number, number, number];
      return { type: "hunk", text: line, before: 0, after: 0 };
    });
}

/** What a diff's headers do not bear out is shown by its signs, without numbers. */
function bySigns(text: string): DiffLine[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line): DiffLine => {
      const bare = { text: line.slice(1), before: 0, after: 0 };
      if (line.startsWith("+")) return { type: "add", ...bare };
      if (line.startsWith("-")) return { type: "delete", ...bare };
      if (line.startsWith("@@")) return { type: "hunk", ...bare, text: line };
      return { type: "context", ...bare, text: line.startsWith(" ") ? bare.text : line };
    });
}
