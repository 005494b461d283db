// The databases of convex-test, with their rows by table and in the order of each index. By itself it goes through all rows of a deployment for
// every range that is read, and sorts those of the range: each call would take longer for every row that anybody has.
import { AsyncLocalStorage } from "node:async_hooks";
import { CommitTsPlaceholder, compareValues } from "convex/values";
import { boundOf } from "./footprint.mjs";
import { insertRow, removeRow, Table } from "./rows.mjs";
import { tableOfId } from "./usage.mjs";

/** What a timestamp counts as that is not known until its transaction ends. */
const PENDING_TS = 2n ** 63n - 1n;

/**
 * The databases of a deployment by their components' paths, those that are registered later too. convex-test hands them to the storage of
 * each call, and to nobody else.
 *
 * @param {object} t what `convexTest` gave
 * @returns {Record<string, {db: object}>}
 */
export function componentsOf(t) {
  const { run } = AsyncLocalStorage.prototype;
  let components;
  AsyncLocalStorage.prototype.run = function (store, ...rest) {
    components ??= store?.components;
    return run.call(this, store, ...rest);
  };
  try {
    void t.finishInProgressScheduledFunctions();
  } finally {
    AsyncLocalStorage.prototype.run = run;
  }
  if (components?.[""]?.db === undefined) throw new Error("convex-test keeps its databases elsewhere");
  return components;
}

/** Changes how a database finds rows, not what it finds. It has to be empty. */
export function keepInOrder(db) {
  const { _addWrite, commit, _resolveQuerySource } = db;
  /** Rows that are committed. */
  const tables = new Map();
  const tableOf = (name) => valueIn(tables, name, () => new Table());
  /** Ids of each level of pending writes, by table. */
  const written = new WeakMap();

  /** Rows of a table that wait for a commit, null where one was deleted. */
  const pendingOf = (name) =>
    new Map(db._writes.flatMap((level) => [...(written.get(level)?.get(name) ?? [])].map((id) => [id, level[id]])));

  const rowsOf = ({ tableName, indexName, range = [] }, indexFields, order) => {
    const name = tableName ?? indexName.split(".")[0];
    const fields = indexFields.includes("_id") ? indexFields : [...indexFields, "_id"];
    const compare = comparing(fields);
    const side = sideOf(range);
    const rows = tableOf(name).range(fields, compare, side);
    for (const [id, row] of pendingOf(name)) {
      const before = tableOf(name).get(id);
      if (before !== undefined) removeRow(rows, compare, before);
      if (row !== null && side(row) === 0) insertRow(rows, compare, row);
    }
    return order === "asc" ? rows : rows.reverse();
  };

  Object.assign(db, {
    _addWrite(id, row) {
      _addWrite.call(db, id, row);
      const ids = valueIn(written, db._writes.at(-1), () => new Map());
      valueIn(ids, tableOfId(id), () => new Set()).add(id);
    },
    commit(commitTs) {
      const committed = db._writes.length === 1 ? db._writes[0] : {};
      commit.call(db, commitTs);
      for (const id of Object.keys(committed)) tableOf(tableOfId(id)).put(id, db._documents[id] ?? null);
    },
    _resolveQuerySource(query) {
      if (query.source.type === "Search") return _resolveQuerySource.call(db, query);
      // All but the rows, and it refuses what no index has.
      const resolved = _resolveQuerySource.call({ _schema: db._schema, _iterateDocs() {} }, query);
      return { ...resolved, sortedDocs: rowsOf(query.source, resolved.fieldPathsToSortBy, resolved.order) };
    },
  });
}

function valueIn(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

const comparing = (fields) => {
  const paths = fields.map((field) => field.split("."));
  return (one, other) => {
    for (const path of paths) {
      const place = compareValues(valueAt(one, path), valueAt(other, path));
      if (place !== 0) return place;
    }
    return 0;
  };
};

/** Where a row lies: before a range of an index (less than 0), in it (0), behind it. */
function sideOf(range) {
  const bounds = range.map(({ type, fieldPath, value }) => ({ type, path: fieldPath.split("."), value: asCommitted(boundOf(value)) }));
  return (row) => {
    for (const { type, path, value } of bounds) {
      const place = compareValues(valueAt(row, path), value);
      if (type === "Eq" && place !== 0) return place;
      if ((type === "Gt" && place <= 0) || (type === "Gte" && place < 0)) return -1;
      if ((type === "Lt" && place >= 0) || (type === "Lte" && place > 0)) return 1;
    }
    return 0;
  };
}

function valueAt(row, path) {
  let value = row;
  for (const name of path) value = isRecord(value) ? value[name] : undefined;
  return asCommitted(value);
}

const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ArrayBuffer);

/** A value as a transaction sees it before it ends. */
function asCommitted(value) {
  if (value instanceof CommitTsPlaceholder) return PENDING_TS;
  if (Array.isArray(value)) return value.map(asCommitted);
  return isRecord(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asCommitted(one)])) : value;
}
