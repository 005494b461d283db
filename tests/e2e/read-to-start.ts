/** Reads a thread in the page from its end to its beginning, as somebody who scrolls does, and tells what they saw. It runs in the page. */

/** What is told of a way through the thread. */
export interface Walk {
  /** The messages in the order in which they came into view. */
  seen: number[];
  /** The most that the document held. */
  rows: number;
  elements: number;
  /** The farthest that a row in view was moved otherwise than by its reader, in pixels. */
  shift: number;
  /** Neighbours in view that were not each other's, or lay on each other. */
  torn: string[];
}

/** Reads to the beginning of the thread, most of a view at a time. Everything that it needs is in it: it is sent to the page. */
export async function readToStart(): Promise<Walk> {
  const view = document.querySelector<HTMLElement>(".scroll")!;
  // Rows are measured after a frame's callbacks and before it is painted.
  const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const numberOf = (row: Element) => Number(/message (\d+)/.exec(row.textContent)?.[1]);
  const inView = () => {
    const { top, bottom } = view.getBoundingClientRect();
    return [...document.querySelectorAll(".row")]
      .map((row) => ({ row, box: row.getBoundingClientRect() }))
      .filter(({ box }) => box.bottom > top && box.top < bottom);
  };
  const walk: Walk = { seen: [], rows: 0, elements: 0, shift: 0, torn: [] };
  const known = new Set<number>();
  for (;;) {
    const shown = inView();
    const numbers = shown.map(({ row }) => numberOf(row));
    for (const [at, { box }] of shown.entries()) {
      const before = shown[at - 1];
      if (before !== undefined && (numbers[at] !== numbers[at - 1]! + 1 || Math.abs(box.top - before.box.bottom) > 1)) {
        walk.torn.push(`${numbers[at - 1]} at ${before.box.bottom}, ${numbers[at]} at ${box.top}`);
      }
    }
    for (const number of numbers.toReversed()) {
      if (!known.has(number)) walk.seen.push(number);
      known.add(number);
    }
    walk.rows = Math.max(walk.rows, document.querySelectorAll(".row").length);
    walk.elements = Math.max(walk.elements, document.querySelectorAll(".transcript *").length);
    if (view.scrollTop === 0 && document.querySelector(".earlier")?.textContent === "Start of the thread") return walk;

    const anchor = shown.find(({ box }) => box.top >= view.getBoundingClientRect().top);
    const before = view.scrollTop;
    view.scrollBy(0, -0.8 * view.clientHeight);
    const moved = before - view.scrollTop;
    // The browser tells of a reader's scrolling as it scrolls, but of a script's a frame later.
    view.dispatchEvent(new Event("scroll"));
    do await painted();
    while (document.querySelector(".earlier")?.textContent !== "Start of the thread" && view.scrollTop < view.clientHeight / 2);
    await painted();
    // At the very start there is nothing left to scroll by.
    if (anchor !== undefined && view.scrollTop > 0) {
      walk.shift = Math.max(walk.shift, Math.abs(anchor.row.getBoundingClientRect().top - anchor.box.top - moved));
    }
  }
}
