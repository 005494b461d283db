/** A page of a list, as a query answers it. */
export interface ListPage<Row = unknown> {
  readonly page: readonly Row[];
  readonly isDone: boolean;
  readonly continueCursor: string;
}

type RowOf<Page extends ListPage> = Page["page"][number];

/** One subscribed page: the rows after `cursor`, up to `endCursor` once the page is pinned. */
interface PageRequest {
  readonly key: number;
  readonly cursor: string | null;
  readonly endCursor?: string;
  readonly numItems: number;
  /** The page ends where the server ended it before: it is not cut again. */
  readonly isCut?: boolean;
}

/**
 * The pages of a list. Moving to `next` waits until all of it has loaded, so that a list in
 * transition neither flashes nor shows a row twice.
 */
export interface Paging {
  readonly shown: readonly PageRequest[];
  readonly next?: readonly PageRequest[];
  readonly isGrowing: boolean;
  readonly nextKey: number;
}

/** What the server said about a page: nothing yet, a page, or an error. */
type PageResult<Page extends ListPage = ListPage> = (Page & Partial<PageSplit>) | Error | undefined;

interface PageSplit {
  splitCursor: string | null;
  pageStatus: "SplitRecommended" | "SplitRequired" | null;
}

export type PageResults<Page extends ListPage = ListPage> = Readonly<Record<string, PageResult<Page>>>;

/** Of each page what it last had, by its key. */
export type KeptPages<Page extends ListPage = ListPage> = Readonly<Record<string, Page>>;

/** The loaded part of the list, newest first. */
export interface LoadedPages<Page extends ListPage = ListPage> {
  readonly rows: readonly RowOf<Page>[];
  readonly first: Page | undefined;
  /** The last page of the list, where everything before it is loaded too. */
  readonly last: Page | undefined;
  readonly error: Error | undefined;
}

const MIN_PAGE_ITEMS = 1;

export function startPaging(initialNumItems: number, key = 0): Paging {
  const numItems = pageItems(initialNumItems);
  return { shown: [{ key, cursor: null, numItems }], isGrowing: false, nextKey: key + 1 };
}

/** Every page to subscribe to. */
export function pageRequests({ shown, next }: Paging): PageRequest[] {
  const requests = new Map<number, PageRequest>();
  for (const request of [...shown, ...(next ?? [])]) requests.set(request.key, request);
  return [...requests.values()];
}

/** Pins the last page where it ends and adds a page after it. */
export function growPaging(paging: Paging, continueCursor: string, numItems: number): Paging {
  const last = paging.shown.at(-1);
  if (paging.next !== undefined || last === undefined) return paging;
  const pinned = { ...last, key: paging.nextKey, endCursor: continueCursor };
  const added = {
    key: paging.nextKey + 1,
    cursor: continueCursor,
    numItems: pageItems(numItems),
  };
  return {
    shown: paging.shown,
    next: [...paging.shown.slice(0, -1), pinned, added],
    isGrowing: true,
    nextKey: paging.nextKey + 2,
  };
}

/**
 * What was last read of each page: an answer that fails changes nothing of it.
 *
 * @param before what this returned for the results before these
 */
export function keepPages<Page extends ListPage>(paging: Paging, results: PageResults<Page>, before: KeptPages<Page> = {}): KeptPages<Page> {
  const kept: Record<string, Page> = {};
  for (const { key } of pageRequests(paging)) {
    const page = pageOf(results[key]) ?? before[key];
    if (page !== undefined) kept[key] = page;
  }
  return kept;
}

/**
 * The step that the results call for: take over `next` once it is loaded, cut a page that the
 * server could not read to its end, or start again where a cursor is no longer valid.
 *
 * @returns The next paging; the same object when there is nothing to do.
 */
export function settlePaging(paging: Paging, results: PageResults): Paging {
  const requests = pageRequests(paging);
  if (requests.some((request) => isCursorInvalid(request, results[request.key]))) {
    return startPaging(paging.shown[0]?.numItems ?? MIN_PAGE_ITEMS, paging.nextKey);
  }
  if (paging.next !== undefined) {
    if (!isLoaded(paging.next, results)) return paging;
    return { shown: paging.next, isGrowing: false, nextKey: paging.nextKey };
  }
  for (const [i, request] of paging.shown.entries()) {
    const result = results[request.key];
    const cutAt = cutCursor(request, result);
    if (cutAt === undefined || result === undefined || result instanceof Error) continue;
    const before = { ...request, key: paging.nextKey, endCursor: cutAt, isCut: true };
    const after = {
      key: paging.nextKey + 1,
      cursor: cutAt,
      endCursor: request.endCursor ?? result.continueCursor,
      numItems: request.numItems,
    };
    return {
      shown: paging.shown,
      next: [...paging.shown.slice(0, i), before, after, ...paging.shown.slice(i + 1)],
      isGrowing: false,
      nextKey: paging.nextKey + 2,
    };
  }
  return paging;
}

/** Reads the rows of the pages that have loaded, up to the first that has not. */
export function readPages<Page extends ListPage>(
  paging: Paging,
  results: PageResults<Page>,
  kept: KeptPages<Page> = keepPages(paging, results),
): LoadedPages<Page> {
  const { shown, next } = paging;
  const rows: RowOf<Page>[] = [];
  let first: Page | undefined;
  let last: Page | undefined;
  for (const { key } of next !== undefined && isLoaded(next, results) ? next : shown) {
    last = undefined;
    const page = kept[key];
    if (page === undefined) break;
    first ??= page;
    if (pageOf(results[key])?.pageStatus === "SplitRequired") break;
    last = page;
    rows.push(...page.page);
  }
  const error = pageRequests(paging).map(({ key }) => results[key]).find((result) => result instanceof Error);
  return { rows, first, last, error };
}

function pageOf<Page extends ListPage>(result: PageResult<Page>): (Page & Partial<PageSplit>) | undefined {
  return result instanceof Error ? undefined : result;
}

function isLoaded(pages: readonly PageRequest[], results: PageResults): boolean {
  return pages.every(({ key }) => {
    const result = results[key];
    return result !== undefined && !(result instanceof Error);
  });
}

function cutCursor(request: PageRequest, result: PageResult): string | undefined {
  if (result === undefined || result instanceof Error) return undefined;
  if (result.splitCursor && result.pageStatus) return result.splitCursor;
  const isPinned = request.endCursor !== undefined && request.isCut !== true;
  const endsEarly = isPinned && !result.isDone && result.continueCursor !== request.endCursor;
  return endsEarly && result.page.length > 0 ? result.continueCursor : undefined;
}

/** A first page has no cursor that could be invalid: to start again would not help it. */
function isCursorInvalid(request: PageRequest, result: PageResult): boolean {
  if (!(result instanceof Error) || (request.cursor === null && request.endCursor === undefined)) {
    return false;
  }
  const data: unknown = (result as { data?: unknown }).data;
  return (
    result.message.includes("InvalidCursor") ||
    (typeof data === "object" &&
      data !== null &&
      (data as { paginationError?: unknown }).paginationError === "InvalidCursor")
  );
}

function pageItems(numItems: number): number {
  return Number.isFinite(numItems)
    ? Math.max(MIN_PAGE_ITEMS, Math.floor(numItems))
    : MIN_PAGE_ITEMS;
}
