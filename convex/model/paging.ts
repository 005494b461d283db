/** Pages by index key: what `.paginate()` is to apps, which components may not call. */
import { getPage, type IndexKey } from "convex-helpers/server/pagination";
import type { PaginationOptions } from "convex/server";
import { convexToJson, jsonToConvex, type JSONValue } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import { coded } from "../errors.js";
import schema from "../schema.js";
import type { ReadCtx } from "./scope.js";
import type { Places } from "./visible.js";

/** Rows that one page holds at most, whatever is asked for. */
const PAGE_ROWS_MAX = 1_000;
/** Rows that are read at once, before it is asked whether the page has room for them and for more. */
const STEP_ROWS_MAX = 100;

type PagedTable = "threads" | "messages" | "serverRequests" | "tokenUsage" | "commands" | "quarantine";

/** The rows that a list is made of: those whose index key begins with `prefix`. */
export type Listed<Table extends PagedTable> = {
  table: Table;
  index: string;
  prefix: (string | boolean | undefined)[];
  /** Types of the index's fields behind the prefix. */
  key: ("number" | "string")[];
  /** Of a list whose key begins with a turn's place: the places that it shows, newest first; all where they are not given. */
  shown?: readonly Places[];
};

const ALL_PLACES: readonly Places[] = [{ from: 0, to: Infinity }];

export type PageOptions = Pick<PaginationOptions, "cursor" | "numItems"> & { endCursor?: string | null | undefined };
export type Page<Row> = { page: Row[]; isDone: boolean; continueCursor: string };

/**
 * A page of a list, newest first. `present` makes a row's public face and says what it weighs: a page ends early where
 * its weight is over `bytesMax`, and reads few rows beyond that; null leaves the row out. Where `weigh` knows the weight before,
 * a row that there is no room for is not presented. With `endCursor` a page ends there, however many rows that are, so that
 * pages stay adjacent.
 *
 * @throws `E_CURSOR_INVALID`
 */
export async function readPage<Table extends PagedTable, Row>(
  ctx: ReadCtx,
  { table, index, prefix, key, shown = ALL_PLACES }: Listed<Table>,
  opts: PageOptions,
  present: (doc: Doc<Table>) => Promise<{ row: Row; bytes: number } | null>,
  bytesMax = Infinity,
  weigh: (doc: Doc<Table>) => number = () => 0,
): Promise<Page<Row>> {
  if (!(opts.numItems > 0)) return { page: [], isDone: false, continueCursor: opts.cursor ?? "" };
  const pinned = opts.endCursor === "" ? null : (opts.endCursor ?? null);
  const begin = opts.cursor ? parseCursor(opts.cursor, key) : null;
  const end = pinned === null ? null : parseCursor(pinned, key);
  const rowsMax = pinned === null ? Math.min(Math.ceil(opts.numItems), PAGE_ROWS_MAX) : PAGE_ROWS_MAX;
  const rows: Row[] = [];
  let weight = 0;
  let seen = 0;
  let last: IndexKey | undefined;
  for (const { from, to } of shown) {
    // Behind the cursor, or before the pinned end, nothing of these places is asked for.
    if (begin !== null && placeOf(begin) < from) continue;
    if (end !== null && placeOf(end) >= to) break;
    if (seen >= rowsMax) return endsAt(last);
    const endsInside = end !== null && placeOf(end) >= from;
    let behind = begin !== null && placeOf(begin) < to ? begin : undefined;
    for (let hasMore = true; hasMore; ) {
      const step = Math.min(rowsMax - seen, STEP_ROWS_MAX);
      const read = await getPage<Doc<Table>>(ctx, {
        table,
        index,
        schema,
        order: "desc",
        startIndexKey: behind !== undefined ? [...prefix, ...behind] : to === Infinity ? prefix : [...prefix, to],
        startInclusive: behind === undefined && to === Infinity,
        endIndexKey: endsInside ? [...prefix, ...end] : from === 0 ? prefix : [...prefix, from],
        endInclusive: true,
        targetMaxRows: step,
        absoluteMaxRows: step,
      });
      for (const [at, doc] of read.page.entries()) {
        if (rows.length > 0 && weight + weigh(doc) > bytesMax) return endsAt(last);
        const presented = await present(doc);
        weight += presented?.bytes ?? 0;
        if (rows.length > 0 && weight > bytesMax) return endsAt(last);
        if (presented !== null) rows.push(presented.row);
        last = read.indexKeys[at]?.slice(prefix.length);
        seen += 1;
      }
      ({ hasMore } = read);
      if (hasMore && seen >= rowsMax) return endsAt(last);
      behind = last;
    }
  }
  if (pinned !== null) return { page: rows, isDone: false, continueCursor: pinned };
  return { page: rows, isDone: true, continueCursor: last ? formatCursor(last) : (opts.cursor ?? "") };

  function endsAt(key: IndexKey | undefined): Page<Row> {
    return { page: rows, isDone: false, continueCursor: key ? formatCursor(key) : (opts.cursor ?? "") };
  }
}

/** The place that a key begins with; lists that begin with none show all. */
function placeOf(key: IndexKey): number {
  return typeof key[0] === "number" ? key[0] : 0;
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
  throw cursorInvalid("the page cursor is not one that this list gave");
}

/** As Convex says it, so that hooks begin again. */
export function cursorInvalid(message: string): ReturnType<typeof coded> {
  return coded("E_CURSOR_INVALID", message, { isConvexSystemError: true, paginationError: "InvalidCursor" });
}
