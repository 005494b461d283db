/** Pages by index key: what `.paginate()` is to apps, which components may not call. */
import { getPage, type IndexKey } from "convex-helpers/server/pagination";
import type { PaginationOptions } from "convex/server";
import { convexToJson, jsonToConvex, type JSONValue } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import schema from "../schema.js";
import type { ReadCtx } from "./scope.js";

/** Rows that one page holds at most, whatever is asked for. */
const PAGE_ROWS_MAX = 1_000;

/** The rows that a list is made of: those whose index key begins with `prefix`. */
export type Listed<Table extends "threads" | "messages" | "serverRequests" | "tokenUsage" | "commands"> = {
  table: Table;
  index: string;
  prefix: (string | boolean)[];
  /** Types of the index's fields behind the prefix. */
  key: ("number" | "string")[];
};

export type PageOptions = Pick<PaginationOptions, "cursor" | "numItems"> & { endCursor?: string | null | undefined };
export type Page<Row> = { page: Row[]; isDone: boolean; continueCursor: string };

/**
 * A page of a list, newest first. `present` makes a row's public face and says what it weighs: a page ends early where
 * its weight is over `bytesMax`. With `endCursor` it ends there, however many rows that are, so that pages stay adjacent.
 *
 * @throws `E_CURSOR_INVALID`
 */
export async function readPage<Table extends "threads" | "messages" | "serverRequests" | "tokenUsage" | "commands", Row>(
  ctx: ReadCtx,
  { table, index, prefix, key }: Listed<Table>,
  opts: PageOptions,
  present: (doc: Doc<Table>) => Promise<{ row: Row; bytes: number }>,
  bytesMax = Infinity,
): Promise<Page<Row>> {
  if (!(opts.numItems > 0)) return { page: [], isDone: false, continueCursor: opts.cursor ?? "" };
  const pinned = opts.endCursor === "" ? null : (opts.endCursor ?? null);
  const keyAt = (cursor: string) => [...prefix, ...parseCursor(cursor, key)];
  const rowsMax = Math.min(Math.ceil(opts.numItems), PAGE_ROWS_MAX);
  const { page, hasMore, indexKeys } = await getPage<Doc<Table>>(ctx, {
    table,
    index,
    schema,
    order: "desc",
    startIndexKey: opts.cursor ? keyAt(opts.cursor) : prefix,
    startInclusive: !opts.cursor,
    endIndexKey: pinned === null ? prefix : keyAt(pinned),
    endInclusive: true,
    targetMaxRows: rowsMax,
    absoluteMaxRows: pinned === null ? rowsMax : PAGE_ROWS_MAX,
  });
  const rows: Row[] = [];
  let weight = 0;
  for (const doc of page) {
    const { row, bytes } = await present(doc);
    weight += bytes;
    if (rows.length > 0 && weight > bytesMax) break;
    rows.push(row);
  }
  const whole = rows.length === page.length && !hasMore;
  if (whole && pinned !== null) return { page: rows, isDone: false, continueCursor: pinned };
  const last = indexKeys[rows.length - 1];
  return { page: rows, isDone: whole, continueCursor: last ? formatCursor(last.slice(prefix.length)) : (opts.cursor ?? "") };
}

function formatCursor(key: IndexKey): string {
  return JSON.stringify(key.map((value) => (value === undefined ? null : convexToJson(value))));
}

function parseCursor(cursor: string, key: Listed<"threads">["key"]): IndexKey {
  // Every index ends in the time of creation and the id.
  const types = [...key, "number", "string"];
  try {
    const given: unknown = JSON.parse(cursor);
    const values = Array.isArray(given) ? given.map((value) => jsonToConvex(value as JSONValue)) : [];
    if (values.length === types.length && values.every((value, at) => typeof value === types[at])) return values;
  } catch {
    // Not one of ours: said below.
  }
  throw coded("E_CURSOR_INVALID", "the page cursor is not one that this list gave", {
    isConvexSystemError: true,
    paginationError: "InvalidCursor",
  });
}
