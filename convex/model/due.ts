/** What is due, a page at a time, so that no row which cannot be swept stands before the others. */
import { v, type Infer } from "convex/values";

/** The row behind which a page begins: the time at which it was due, and when it was made. */
export const vAfter = v.object({ dueAt: v.number(), createdAt: v.number() });
export type After = Infer<typeof vAfter>;

/** The rows of an index of what is due: those that are due at one time and were made behind another, and those due later. */
export type DueIndex<Row> = {
  at: (dueAt: number, createdAfter: number) => AsyncIterable<Row>;
  behind: (dueAt: number) => AsyncIterable<Row>;
  timeOf: (row: Row) => number | undefined;
};

/**
 * A page of what is due, what is due first first, until `isFull` says so of the rows on it.
 *
 * @returns the rows, and where the next page begins; none where this is the last
 */
export async function pageOfDue<Row extends { _creationTime: number }>(
  { at, behind, timeOf }: DueIndex<Row>,
  after: After | undefined,
  isFull: (rows: readonly Row[]) => boolean,
): Promise<{ rows: Row[]; next: After | undefined }> {
  const rows: Row[] = [];
  for (const range of [...(after === undefined ? [] : [at(after.dueAt, after.createdAt)]), behind(after?.dueAt ?? 0)]) {
    for await (const row of range) {
      const last = rows.at(-1);
      if (last !== undefined && isFull(rows)) return { rows, next: { dueAt: timeOf(last) ?? 0, createdAt: last._creationTime } };
      rows.push(row);
    }
  }
  return { rows, next: undefined };
}
