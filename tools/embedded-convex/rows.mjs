// The rows of a table, in the order of each index that was asked for.

/** @param {(one: object, other: object) => number} compare @param {object} row @returns {number} how many of the rows come before it */
function placeOf(rows, compare, row) {
  return countWhile(rows, (one) => compare(one, row) < 0);
}

/** How many rows `holds` is true of, which it is of all up to some row, and of none behind it. */
function countWhile(rows, holds) {
  let [from, to] = [0, rows.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (holds(rows[middle])) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Puts a row among others that are in order. */
export function insertRow(rows, compare, row) {
  rows.splice(placeOf(rows, compare, row), 0, row);
}

/** Takes a row out where it is. */
export function removeRow(rows, compare, row) {
  const place = placeOf(rows, compare, row);
  if (rows[place] === row) rows.splice(place, 1);
}

/** The committed rows of one table. */
export class Table {
  #rows = new Map();
  /** By the names of an index's fields. */
  #indexes = new Map();

  /** A row as it is now, or null where there is none any more. */
  put(id, row) {
    const before = this.#rows.get(id);
    if (row === null) this.#rows.delete(id);
    else this.#rows.set(id, row);
    for (const { rows, compare } of this.#indexes.values()) {
      if (before !== undefined) removeRow(rows, compare, before);
      if (row !== null) insertRow(rows, compare, row);
    }
  }

  get(id) {
    return this.#rows.get(id);
  }

  /**
   * The rows of a range, in order.
   *
   * @param {string[]} fields those of the index, `_id` at their end
   * @param {(one: object, other: object) => number} compare by those fields
   * @param {(row: object) => number} side less than 0 for a row before the range, 0 for one in it
   */
  range(fields, compare, side) {
    const key = fields.join();
    if (!this.#indexes.has(key)) this.#indexes.set(key, { rows: [...this.#rows.values()].sort(compare), compare });
    const { rows } = this.#indexes.get(key);
    return rows.slice(countWhile(rows, (row) => side(row) < 0), countWhile(rows, (row) => side(row) <= 0));
  }
}
