/** What did not change keeps its identity: `memo` and effects of an app rely on it. */

/** Whether two lists have the same elements, in the same order. */
export function isSameList(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((element, at) => element === other[at]);
}

/** Whether two rows say the same. Fields that are objects are compared as JSON. */
export function isSameRow(one: object, other: object): boolean {
  if (one === other) return true;
  const [a, b] = [one as Record<string, unknown>, other as Record<string, unknown>];
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name] || isSameNested(a[name], b[name]));
}

function isSameNested(one: unknown, other: unknown): boolean {
  const isObject = (value: unknown) => typeof value === "object" && value !== null;
  return isObject(one) && isObject(other) && JSON.stringify(one) === JSON.stringify(other);
}
