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
