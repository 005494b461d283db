// What a call read and what it wrote, as the backend decides by it whether a subscription runs again and whether two mutations conflict:
// index ranges, each up to where the function stopped reading, and rows as they were before and after.
import { compareValues, jsonToConvex } from "convex/values";

const COMPARES = {
  Eq: (order) => order === 0,
  Gt: (order) => order > 0,
  Gte: (order) => order >= 0,
  Lt: (order) => order < 0,
  Lte: (order) => order <= 0,
};
/** A whole table is a range of this index. */
const BY_CREATION = "by_creation_time";

/**
 * - `reads`: `{component, table, index, range: [{type, fieldPath, value}], order, last?}`; `last` is the last row that a function
 *   got which stopped there, by `take` or by itself: it has not read what lies behind
 * - `writes`: `{component, table, before, after}`, null where there was, or is, no row
 */
export class Footprint {
  reads = [];
  writes = [];
  #streams = new Map();

  constructor(component) {
    this.component = component;
  }

  /** What a call that this one made read and wrote: its transaction is this one's. */
  include({ reads, writes }) {
    this.reads.push(...reads);
    this.writes.push(...writes);
  }

  startedQuery(queryId, { source, operators }) {
    const read = this.#reads(source);
    const limit = operators.find((operator) => "limit" in operator)?.limit ?? Infinity;
    // Which rows a filter passed over, nobody tells: it counts as having read to the end.
    const isFiltered = operators.some((operator) => "filter" in operator);
    this.#streams.set(queryId, { read, left: limit, isFiltered });
  }

  /** A page of the app's: it counts as having read to the end. */
  readPage({ source }) {
    this.#reads(source);
  }

  #reads({ type, indexName, tableName, range = [], order = "asc" }) {
    const [table, index] = tableName === undefined ? indexName.split(".") : [tableName, BY_CREATION];
    // A search reads the table, as far as anybody here can tell.
    const read = { component: this.component, table, index, range: type === "IndexRange" ? range.map(parsed) : [], order };
    this.reads.push(read);
    return read;
  }

  /** A row of the query, or its end. */
  next(queryId, row) {
    const stream = this.#streams.get(queryId);
    if (row === null) {
      // Up to the range's end, unless a limit ended it.
      if (stream.left > 0) delete stream.read.last;
      return;
    }
    stream.left -= 1;
    if (!stream.isFiltered) stream.read.last = row;
  }

  got(table, id) {
    this.reads.push({ component: this.component, table, index: "by_id", range: [{ type: "Eq", fieldPath: "_id", value: id }], order: "asc" });
  }

  wrote(table, before, after) {
    this.writes.push({ component: this.component, table, before, after });
  }
}

const parsed = ({ type, fieldPath, value }) => ({ type, fieldPath, value: boundOf(value) });

/** A value as a range has it: a field that is not there is one in a range, and nowhere else. */
export const boundOf = (json) => (typeof json === "object" && json !== null && "$undefined" in json ? undefined : jsonToConvex(json));

/**
 * The first of the writes that changes what the reads have read, or undefined.
 *
 * @param {(component: string, table: string, index: string) => string[]} fieldsOf the fields of an index
 */
export function firstTouch(reads, writes, fieldsOf) {
  for (const write of writes) {
    for (const read of reads) {
      if (read.component !== write.component || read.table !== write.table) continue;
      if ([write.before, write.after].some((row) => row !== null && holds(read, row, fieldsOf))) return { read, write };
    }
  }
  return undefined;
}

function holds({ component, table, index, range, order, last }, row, fieldsOf) {
  if (!range.every(({ type, fieldPath, value }) => COMPARES[type](compareValues(row[fieldPath], value)))) return false;
  if (last === undefined) return true;
  const fields = [...fieldsOf(component, table, index), "_creationTime", "_id"];
  const place = fields.map((field) => compareValues(row[field], last[field])).find((one) => one !== 0) ?? 0;
  return order === "asc" ? place <= 0 : place >= 0;
}
