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
  readonly endCursor?: string | undefined;
  readonly numItems: number;
  /** How many rows it had when it was pinned, where that is known. */
  readonly rows?: number | undefined;
  /** It is a part of a page that was cut. */
  readonly isCut?: boolean;
  /** The page that is to be cut where this one ends, which is no part of the list. */
  readonly cuts?: PageRequest;
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
  /** A last page is as many rows as were asked for: what is older leaves it as newer ones come. */
  readonly isSliding: boolean;
}

/** What the server said about a page: nothing yet, a page, or an error. */
type PageResult<Page extends ListPage = ListPage> = (Page & Partial<PageSplit>) | Error | undefined;

interface PageSplit {
  splitCursor: string | null;
  pageStatus: "SplitRecommended" | "SplitRequired" | null;
}

export type PageResults<Page extends ListPage = ListPage> = Readonly<Record<string, PageResult<Page>>>;

/** Of each page what it last had whole, by its key. */
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
/** A pinned page is cut where it has as many times the rows that it began with, so that each newer row costs few others. */
const GROWN = 2;
/** Less is not cut for that. */
const GROWN_ROWS_MIN = 20;

export function startPaging(initialNumItems: number, key = 0, isSliding = false): Paging {
  const numItems = pageItems(initialNumItems);
  return { shown: [{ key, cursor: null, numItems }], isGrowing: false, nextKey: key + 1, isSliding };
}

/** Every page to subscribe to. */
export function pageRequests({ shown, next }: Paging): PageRequest[] {
  const requests = new Map<number, PageRequest>();
  for (const request of [...shown, ...(next ?? [])]) requests.set(request.key, request);
  return [...requests.values()];
}

/** Pins the last page where it ends and adds a page after it. */
export function growPaging(paging: Paging, continueCursor: string, numItems: number, kept: KeptPages = {}): Paging {
  const pages = paging.next ?? paging.shown;
  const end = pages.at(-1);
  const last = end?.cuts ?? end;
  if (paging.isGrowing || last === undefined) return paging;
  const pinned = last.endCursor === continueCursor ? last : { ...last, key: paging.nextKey, endCursor: continueCursor, rows: kept[last.key]?.page.length };
  const added = { key: paging.nextKey + 1, cursor: continueCursor, numItems: pageItems(numItems) };
  return { ...paging, next: [...pages.slice(0, -1), pinned, added], isGrowing: true, nextKey: paging.nextKey + 2 };
}

/**
 * What of each page was last read whole: an answer that fails, or lacks rows that the page had, changes nothing of it.
 *
 * @param before what this returned for the results before these
 */
export function keepPages<Page extends ListPage>(paging: Paging, results: PageResults<Page>, before: KeptPages<Page> = {}): KeptPages<Page> {
  const requests = pageRequests(paging);
  const parts = requests.flatMap(({ key, isCut }) => (isCut === true ? [pageOf(results[key])] : []));
  const endsAsAsked = ({ key, endCursor }: PageRequest) => endCursor !== undefined && [pageOf(results[key]), before[key]].some((page) => page?.continueCursor === endCursor);
  // What a page was cut from had more rows than the first part, unless the server calls its ends by other names: then it would be cut for ever.
  const isStrange = !parts.includes(undefined) && parts.some((page) => page?.page.length === 0) && !requests.some(endsAsAsked);
  const kept: Record<string, Page> = {};
  for (const request of requests) {
    const result = pageOf(results[request.key]);
    const known = before[request.key];
    const page = result !== undefined && ((isStrange && request.isCut === true) || isWhole(request, result, known, paging.isSliding)) ? result : known;
    if (page !== undefined) kept[request.key] = page;
  }
  return kept;
}

function isWhole({ cursor, endCursor }: PageRequest, result: ListPage & Partial<PageSplit>, known: ListPage | undefined, isSliding: boolean): boolean {
  if (result.pageStatus === "SplitRequired") return false;
  if (result.isDone || result.continueCursor === (endCursor ?? known?.continueCursor) || result.continueCursor === cursor) return true;
  return endCursor === undefined && (isSliding || known === undefined || known.page.length === 0);
}

/**
 * The step that the results call for: take over `next` once it is loaded, change a page that cannot go on as it is, or start again
 * where a cursor is no longer valid.
 *
 * @returns The next paging; the same object when there is nothing to do.
 */
export function settlePaging(paging: Paging, results: PageResults, kept: KeptPages = keepPages(paging, results)): Paging {
  const { shown, next, nextKey, isSliding } = paging;
  if (pageRequests(paging).some((request) => isCursorInvalid(request, results[request.key]))) {
    return startPaging(shown[0]?.numItems ?? MIN_PAGE_ITEMS, nextKey, isSliding);
  }
  const pages = next ?? shown;
  const changed = (at: number, parts: readonly PageRequest[]): Paging => ({ ...paging, next: [...pages.slice(0, at), ...parts, ...pages.slice(at + 1)], nextKey: nextKey + parts.length });
  if (next !== undefined && isReady(next, kept)) return { shown: next, isGrowing: false, nextKey, isSliding };
  for (const [at, request] of pages.entries()) {
    const parts = partsOf(request, paging, results, kept);
    if (parts !== undefined) return changed(at, parts);
  }
  const behind = next === undefined || isLoaded(next, kept) ? reopened(pages.at(-1), nextKey, kept) : undefined;
  return behind === undefined ? paging : changed(pages.length - 1, behind);
}

/** What a page has to become, where it cannot go on as it is. */
function partsOf(request: PageRequest, { next, nextKey: key, isSliding }: Paging, results: PageResults, kept: KeptPages): PageRequest[] | undefined {
  const { cursor, endCursor, numItems, cuts } = request;
  const result = pageOf(results[request.key]);
  if (result === undefined) return undefined;
  if (cuts !== undefined) return cutWithin(cuts, result, key, pageOf(results[cuts.key]), kept);
  const known = kept[request.key];
  const rows = result.page.length;
  if (result.splitCursor && result.pageStatus) return cut(request, result.splitCursor, endCursor ?? result.continueCursor, key);
  if (endCursor === undefined) {
    if (known === undefined || known === result) return undefined;
    // What it had is to stay there; behind what was the end of the list more may come.
    const pinned = { ...request, key, endCursor: known.continueCursor, rows: known.page.length };
    return known.isDone ? [pinned, { key: key + 1, cursor: known.continueCursor, numItems }] : [pinned];
  }
  if (known === undefined) return cut(request, result.continueCursor, endCursor, key, rows);
  const isGrown = !isSliding && rows > Math.max(GROWN * (request.rows ?? numItems), GROWN_ROWS_MIN);
  // Cut at the end of what is full it would be full again at the next row.
  return next === undefined && (known !== result || isGrown) ? [{ key, cursor, numItems: Math.min(numItems, Math.ceil(rows / 2)), cuts: request }] : undefined;
}

/** Cuts a page where `part` of it ends; where that is not within it, at its own early end. */
function cutWithin(request: PageRequest, part: ListPage, key: number, page: ListPage | undefined, kept: KeptPages): PageRequest[] {
  const { length: before } = part.page;
  const rows = page?.page.length ?? 0;
  if (before < rows) return cut(request, part.continueCursor, request.endCursor, key, before, rows - before);
  const isWhole = page === undefined || page === kept[request.key];
  return isWhole ? [{ ...request, rows }] : cut(request, page.continueCursor, request.endCursor, key, rows);
}

function cut({ cursor, numItems }: PageRequest, at: string, endCursor: string | undefined, key: number, before?: number, after?: number): PageRequest[] {
  const part = { numItems, isCut: true };
  return [
    { ...part, key, cursor, endCursor: at, rows: before },
    { ...part, key: key + 1, cursor: at, endCursor, rows: after },
  ];
}

/** Behind a last page that lost most of its rows, what is there takes their place; what is left of it stays. */
function reopened(request: PageRequest | undefined, key: number, kept: KeptPages): PageRequest[] | undefined {
  if (request === undefined) return undefined;
  const { endCursor, numItems, rows = 0 } = request;
  const left = kept[request.key]?.page.length;
  if (endCursor === undefined || left === undefined || (left > 0 && GROWN * left >= rows)) return undefined;
  return [{ ...request, rows: left }, { key, cursor: endCursor, numItems }];
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
  for (const { key } of next !== undefined && isReady(next, kept) ? next : shown) {
    last = kept[key];
    if (last === undefined) break;
    first ??= last;
    rows.push(...last.page);
  }
  const error = pageRequests(paging).map(({ key }) => results[key]).find((result) => result instanceof Error);
  return { rows, first, last, error };
}

/** Whether pages can be shown: all are there, and behind the last no more of them has to be. */
function isReady(pages: readonly PageRequest[], kept: KeptPages): boolean {
  return isLoaded(pages, kept) && reopened(pages.at(-1), 0, kept) === undefined;
}

function isLoaded(pages: readonly PageRequest[], kept: KeptPages): boolean {
  return pages.every(({ key, cuts }) => kept[key] !== undefined && cuts === undefined);
}

function pageOf<Page extends ListPage>(result: PageResult<Page>): (Page & Partial<PageSplit>) | undefined {
  return result instanceof Error ? undefined : result;
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
