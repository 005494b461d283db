import { useEffect, useMemo, useRef } from "react";
import type { UsePaginatedQueryResult } from "convex/react";
import type { ListPage } from "./paging.js";
import type { Subscription } from "./subscription.js";
import { pageStatus, usePages } from "./use-pages.js";

/** A page of a list of a thread's, or of a user's. */
export type ThreadListPage<Row> = ListPage<Row> & { readonly threadStatus?: "missing" | undefined };

/** What a list's hook returns: the result of `usePaginatedQuery`, and more. */
export type UseListResult<Item> = UsePaginatedQueryResult<Item> & {
  /** The thread that was asked about is not there (yet). */
  threadStatus?: "missing";
  /** The query failed. It stays subscribed, and recovers when the server does. */
  error?: Error;
};

interface Shown<Row, Item> {
  readonly items: Item[];
  readonly byKey: ReadonlyMap<string, { readonly row: Row; readonly item: Item }>;
}

/**
 * Follows a list by pages. An item of a row that did not change is the same object at the next render, and so is the list.
 *
 * @param subscription what to follow; null follows nothing
 * @param keyOf names a row; the same function at every render
 * @param show makes of a row what is returned; the same function at every render
 */
export function useList<Row extends object, Item>(
  subscription: Subscription | null,
  initialNumItems: number,
  keyOf: (row: Row) => string,
  show: (row: Row) => Item,
): UseListResult<Item> {
  return useListAndFirst(subscription, initialNumItems, keyOf, show).list;
}

/** As {@link useList}, with the first page itself: what it says beside its rows. */
export function useListAndFirst<Row extends object, Item>(
  subscription: Subscription | null,
  initialNumItems: number,
  keyOf: (row: Row) => string,
  show: (row: Row) => Item,
): { readonly list: UseListResult<Item>; readonly first: ThreadListPage<Row> | undefined } {
  const pages = usePages<ThreadListPage<Row>>(subscription, initialNumItems);

  const previous = useRef<Shown<Row, Item>>({ items: [], byKey: new Map() });
  const shown = useMemo(
    () => showRows<Row, Item>(pages.rows, previous.current, keyOf, show),
    [pages.rows, keyOf, show],
  );
  useEffect(() => {
    previous.current = shown;
  }, [shown]);

  const { items } = shown;
  const { first, error, loadMore } = pages;
  const status = pageStatus(pages);
  const list = useMemo(
    () => ({
      results: items,
      loadMore,
      ...status,
      ...(first?.threadStatus !== undefined && { threadStatus: first.threadStatus }),
      ...(error !== undefined && { error }),
    }),
    [items, loadMore, status, first?.threadStatus, error],
  );
  return { list, first };
}

/** One item a key: pages that move against each other may both hold it. */
function showRows<Row extends object, Item>(
  rows: readonly Row[],
  before: Shown<Row, Item>,
  keyOf: (row: Row) => string,
  show: (row: Row) => Item,
): Shown<Row, Item> {
  const byKey = new Map<string, { row: Row; item: Item }>();
  for (const row of rows) {
    const key = keyOf(row);
    if (byKey.has(key)) continue;
    const known = before.byKey.get(key);
    byKey.set(key, known !== undefined && isSameRow(known.row, row) ? known : { row, item: show(row) });
  }
  const items = Array.from(byKey.values(), ({ item }) => item);
  const isAsBefore = items.length === before.items.length && items.every((item, at) => item === before.items[at]);
  return { items: isAsBefore ? before.items : items, byKey };
}

/** Whether two rows say the same. */
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
