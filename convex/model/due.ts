/** What is due, a page at a time: each row is swept by a call of its own, so that one which cannot be swept stops no other. */
import { v, type Infer } from "convex/values";
import type { DataModel, Doc } from "../_generated/dataModel.js";
import type { ReadCtx } from "./scope.js";

/** The row behind which a page begins: the time at which it was due, and when it was made. */
export const vAfter = v.object({ dueAt: v.number(), createdAt: v.number() });
export type After = Infer<typeof vAfter>;

/** The index that a table's rows are due by, its field, which says when, and the rows of a page at most. */
const DUE = {
  chunks: { index: "by_expiry", field: "expiresAt", rowsMax: 100 },
  commands: { index: "by_due", field: "dueAt", rowsMax: 100 },
  deletions: { index: "by_due", field: "dueAt", rowsMax: 20 },
  forks: { index: "by_due", field: "dueAt", rowsMax: 20 },
  streams: { index: "by_expiry", field: "expiresAt", rowsMax: 100 },
  turns: { index: "by_silence", field: "silentAt", rowsMax: 50 },
} satisfies { [Table in keyof DataModel]?: { index: keyof DataModel[Table]["indexes"]; field: keyof Doc<Table>; rowsMax: number } };
type DueTable = keyof typeof DUE;

/** When a row is due, in milliseconds. */
const dueOf = (table: DueTable, row: Readonly<Record<string, unknown>>): number => Number(row[DUE[table].field]);

/** Rows by an index that a variable names: the schema's types know it by its name alone. */
type Ranges<Row> = { query: (table: string) => { withIndex: (index: string, range: (q: Bounds) => Bounds) => AsyncIterable<Row> } };
type Bounds = Record<"eq" | "gt" | "lte", (field: string, value: number) => Bounds>;

/**
 * A page of what is due, what is due first first; it may end before it has all the rows that it can hold.
 *
 * @returns the rows, and where the next page begins; none where this is the last
 */
export async function pageOfDue<Table extends DueTable>(
  ctx: ReadCtx,
  table: Table,
  after: After | undefined,
  nowMs = Date.now(),
  isFull: (rows: readonly Doc<Table>[]) => boolean = () => false,
): Promise<{ rows: Doc<Table>[]; next: After | undefined }> {
  const { index, field, rowsMax } = DUE[table];
  const db = ctx.db as unknown as Ranges<Doc<Table>>;
  const at = ({ dueAt, createdAt }: After) => db.query(table).withIndex(index, (q) => q.eq(field, dueAt).gt("_creationTime", createdAt));
  const behind = db.query(table).withIndex(index, (q) => q.gt(field, after?.dueAt ?? 0).lte(field, nowMs));
  const rows: Doc<Table>[] = [];
  for (const range of after === undefined ? [behind] : [at(after), behind]) {
    for await (const row of range) {
      const last: Record<string, unknown> | undefined = rows.at(-1);
      if (last !== undefined && (rows.length >= rowsMax || isFull(rows))) {
        return { rows, next: { dueAt: dueOf(table, last), createdAt: Number(last["_creationTime"]) } };
      }
      rows.push(row);
    }
  }
  return { rows, next: undefined };
}

/** The job, if it is due as the call was told that asks for it; null where it ended, or another call went on with it since. */
export const stillDue = <Job extends { dueAt?: number | undefined }>(job: Job | null, dueAt: number): Job | null => (job?.dueAt === dueAt ? job : null);

/** Has each row of a page of what is due swept, and the page behind it asked for. */
export async function sweepDue<Table extends DueTable>(
  ctx: ReadCtx,
  table: Table,
  after: After | undefined,
  { ask, goOn }: { ask: (row: Doc<Table>["_id"], dueAt: number) => Promise<unknown>; goOn: (after: After) => Promise<unknown> },
): Promise<{ asked: number; hasMore: boolean }> {
  const { rows, next } = await pageOfDue(ctx, table, after);
  for (const row of rows) await ask(row._id, dueOf(table, row));
  if (next !== undefined) await goOn(next);
  return { asked: rows.length, hasMore: next !== undefined };
}
