import type { RequestForQueries, UsePaginatedQueryResult } from "convex/react";
import { useQueries } from "convex/react";
import type { Value } from "convex/values";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { KeptPages, ListPage, LoadedPages, PageResults, Paging } from "./paging.js";
import { growPaging, keepPages, pageRequests, readPages, settlePaging, startPaging } from "./paging.js";
import type { Subscription } from "./subscription.js";

/** The durable pages of a subscription. */
interface Pages<Page extends ListPage = ListPage> extends LoadedPages<Page> {
  readonly isGrowing: boolean;
  readonly loadMore: (numItems: number) => void;
}

/**
 * Subscribes to the pages, each pinned to its end once there is one after it. What was read of a page stays while its query fails.
 *
 * @param isSliding What is older leaves the last page as newer rows come: else that is pinned too, once it would.
 * @param more What else each page is asked with: a constant.
 */
export function usePages<Page extends ListPage>(
  subscription: Subscription | null,
  initialNumItems: number,
  isSliding: boolean,
  more?: Readonly<Record<string, Value>>,
): Pages<Page> {
  const key = subscription?.key ?? null;
  const [state, setState] = useState(() => ({ key, paging: startPaging(initialNumItems, 0, isSliding) }));
  let { paging } = state;
  if (state.key !== key) {
    // Under new keys: what is kept of one list is not shown in another.
    paging = startPaging(initialNumItems, paging.nextKey, isSliding);
    setState({ key, paging });
  }

  const queries = useMemo((): RequestForQueries => {
    if (subscription === null) return {};
    const { query, args } = subscription;
    return Object.fromEntries(
      pageRequests(paging).map(({ key, cursor, endCursor, numItems }) => {
        const paginationOpts = { cursor, numItems, ...(endCursor !== undefined && { endCursor }) };
        return [key, { query, args: { ...args, ...more, paginationOpts } }];
      }),
    );
  }, [subscription, paging, more]);
  const results = useQueries(queries) as PageResults<Page>;
  const previous = useRef<KeptPages<Page>>({});
  const kept = useMemo(() => keepPages(paging, results, previous.current), [paging, results]);
  useEffect(() => {
    previous.current = kept;
  }, [kept]);
  const loaded = useMemo(() => readPages(paging, results, kept), [paging, results, kept]);

  /** A step meant for a subscription that was left does nothing. */
  const step = useCallback(
    (next: (paging: Paging) => Paging) =>
      setState((before) => {
        if (before.key !== key) return before;
        const after = next(before.paging);
        return after === before.paging ? before : { key, paging: after };
      }),
    [key],
  );
  useEffect(() => {
    step((before) => (before === paging ? settlePaging(before, results, kept) : before));
  }, [step, paging, results, kept]);

  const { last } = loaded;
  const continueCursor = last === undefined || last.isDone ? undefined : last.continueCursor;
  const loadMore = useCallback(
    (numItems: number) => {
      if (continueCursor !== undefined) {
        step((before) => growPaging(before, continueCursor, numItems, previous.current));
      }
    },
    [step, continueCursor],
  );
  return { ...loaded, isGrowing: paging.isGrowing, loadMore };
}

const LOADING_FIRST_PAGE = { status: "LoadingFirstPage", isLoading: true } as const;
const LOADING_MORE = { status: "LoadingMore", isLoading: true } as const;
const CAN_LOAD_MORE = { status: "CanLoadMore", isLoading: false } as const;
const EXHAUSTED = { status: "Exhausted", isLoading: false } as const;

/** What a list's hook returns: the result of `usePaginatedQuery`, and more. */
export type UseListResult<Item, Status extends string = "missing"> = UsePaginatedQueryResult<Item> & {
  /** `missing`: the thread that was asked about is not there (yet). Absent until the first page is loaded, and with hosts that do not say. */
  threadStatus?: Status;
  /** The query failed: `results` are those of before. It stays subscribed, and recovers when the server does. */
  error?: Error;
};

/**
 * What a list's hook returns, of its pages and of what it makes of them.
 *
 * @param results the same array while nothing in it changed: so is what is returned, a copy that an app may sort in place
 * @param failed what else failed of which it is made
 */
export function useListResult<Item, Status extends string>(
  pages: Pages<ListPage & { readonly threadStatus?: Status | undefined }>,
  results: Item[],
  failed?: Error,
): UseListResult<Item, Status> {
  const { first, loadMore } = pages;
  const error = pages.error ?? failed;
  const threadStatus = first?.threadStatus;
  const status = pageStatus(pages);
  const copy = useMemo(() => results.slice(), [results]);
  return useMemo(
    () => ({ results: copy, loadMore, ...status, ...(threadStatus !== undefined && { threadStatus }), ...(error !== undefined && { error }) }),
    [copy, loadMore, status, threadStatus, error],
  );
}

/** How a list stands, in the words of `usePaginatedQuery`. */
function pageStatus({ first, last, error, isGrowing }: Pages) {
  if (first === undefined) return error === undefined ? LOADING_FIRST_PAGE : EXHAUSTED;
  if (last === undefined) return error === undefined ? LOADING_MORE : EXHAUSTED;
  if (isGrowing) return LOADING_MORE;
  return last.isDone ? EXHAUSTED : CAN_LOAD_MORE;
}
