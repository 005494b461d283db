/** What is asked for of `thread/turns/list`, beside the thread, the order and what of its turns. */
export interface TurnPage {
  /** Turns at most. */
  readonly limit: number;
  /** Where it begins; null at one end of the history. */
  readonly cursor: string | null;
}

/**
 * Goes through the turns of a thread, page by page, until whoever reads them has enough or none are left.
 *
 * @param list asks for a page
 * @param limit turns of a page at most
 * @param isTooLarge whether what a page failed with says that it was too large: it is asked for in half as many turns, and so are those
 *   behind it. A single turn is asked for once
 */
export async function* turnPages<Page extends { readonly nextCursor?: string | null }>(
  list: (page: TurnPage) => Promise<Page>,
  limit: number,
  isTooLarge: (thrown: unknown) => boolean = () => false,
): AsyncGenerator<Page, void, undefined> {
  let [turns, cursor]: [number, string | null] = [limit, null];
  for (;;) {
    let page: Page;
    try {
      page = await list({ limit: turns, cursor });
    } catch (thrown) {
      if (turns <= 1 || !isTooLarge(thrown)) throw thrown;
      turns >>= 1;
      continue;
    }
    yield page;
    cursor = page.nextCursor ?? null;
    if (cursor === null) return;
  }
}
