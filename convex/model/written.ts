/** What the writes of a batch weigh, so that one which writes too much is refused before anything of it is written. */
import type { Write } from "../../js-wrapper/core/boundary.js";
import { INLINE_UNITS_MAX, storedText } from "./apply.js";
import type { IngestArgs } from "./load.js";
import { utf8Bytes } from "./parts.js";

/** UTF-8 bytes of texts and payloads that are written. SOURCE: Convex writes 16 MiB in one call; rows take theirs. */
const WRITTEN_BYTES_MAX = 15 * 1024 * 1024;
/** Those that lie in chunks' rows: sent again, the batch reads them all, and `room.ts` has room for a MiB more. */
const IN_CHUNKS_BYTES_MAX = 10 * 1024 * 1024;
/** UTF-8 bytes of a UTF-16 unit, at most. */
const UNIT_BYTES_MAX = 3;

/** Whether one call may write it, and the same batch again be read. */
export function mayWrite(args: IngestArgs, writes: readonly Write[]): boolean {
  const inChunks: string[] = [];
  const beside: string[] = [];
  for (const write of writes) {
    for (const text of textsOf(args, write)) (write.type === "insertChunk" && text.length <= INLINE_UNITS_MAX ? inChunks : beside).push(text);
  }
  const units = sum([...inChunks, ...beside].map(({ length }) => length));
  // Nothing that is small is encoded to be measured.
  if (units * UNIT_BYTES_MAX <= IN_CHUNKS_BYTES_MAX) return true;
  const [again, once] = [inChunks, beside].map((texts) => sum(texts.map(utf8Bytes))) as [number, number];
  return again <= IN_CHUNKS_BYTES_MAX && again + once <= WRITTEN_BYTES_MAX;
}

/** What is written of an event a second and a third time: of all else there is one copy, and less than a batch holds. */
function textsOf(args: IngestArgs, write: Write): string[] {
  switch (write.type) {
    case "insertChunk":
      return [...write.runs.map(({ text }) => text), ...write.kept.map((kept) => storedText(args, kept))];
    case "putMessage":
      return write.content?.payload === undefined ? [] : [storedText(args, write.content.payload)];
    case "foldMessage":
      return write.parts;
    default:
      return [];
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, number) => all + number, 0);
