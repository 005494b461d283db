import { useEffect, useMemo, useRef } from "react";
import { isSameList, isSameRow } from "../mapping/identity.js";
import type { ListPage } from "./paging.js";
import type { Subscription } from "./subscription.js";
import { useListResult, usePages, type UseListResult } from "./use-pages.js";

/** A page of a list of a thread's, or of a user's. */
type ThreadListPage<Row> = ListPage<Row> & { readonly threadStatus?: "missing" | undefined };

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
  const pages = usePages<ThreadListPage<Row>>(subscription, initialNumItems, true);

  const previous = useRef<Shown<Row, Item>>({ items: [], byKey: new Map() });
  const shown = useMemo(
    () => showRows<Row, Item>(pages.rows, previous.current, keyOf, show),
    [pages.rows, keyOf, show],
  );
  useEffect(() => {
    previous.current = shown;
  }, [shown]);

  return { list: useListResult(pages, shown.items), first: pages.first };
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
  return { items: isSameList(items, before.items) ? before.items : items, byKey };
}
