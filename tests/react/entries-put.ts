/** How many entries are put into maps while `run` runs; those that a new map copies are among them. */
export function entriesPut(run: () => void): number {
  const set = Reflect.get(Map.prototype, "set") as (this: Map<unknown, unknown>, key: unknown, value: unknown) => Map<unknown, unknown>;
  let count = 0;
  Map.prototype.set = function (this: Map<unknown, unknown>, key: unknown, value: unknown) {
    count += 1;
    return set.call(this, key, value);
  };
  try {
    run();
  } finally {
    Map.prototype.set = set;
  }
  return count;
}
