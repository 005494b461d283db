/**
 * The ref of what goes when it was used: its focus is handed on to what stands in its place then. Else it would fall to the page, and the
 * keyboard begin at the top again.
 */
export function handOver(element: HTMLElement | null) {
  if (element === null) return undefined;
  // Of a list that loads more it goes after its rows have come.
  let places = placesOf(element);
  const onUse = () => {
    places = placesOf(element);
  };
  element.addEventListener("click", onUse);
  return () => {
    element.removeEventListener("click", onUse);
    if (document.activeElement !== element) return;
    // When what comes in its place is there.
    queueMicrotask(() => {
      if (isFocusLost()) heirOf(places)?.focus({ preventScroll: true });
    });
  };
}

export function isFocusLost(): boolean {
  const { activeElement, body } = document;
  return activeElement === null || activeElement === body;
}

interface Place {
  parent: HTMLElement;
  before: Element | null;
}

/** Where an element stands, and where what it is in does. */
function placesOf(element: HTMLElement): Place[] {
  const places: Place[] = [];
  for (let { parentElement: parent, previousElementSibling: before } = element; parent !== null; ) {
    places.push({ parent, before });
    ({ parentElement: parent, previousElementSibling: before } = parent);
  }
  return places;
}

function heirOf(places: readonly Place[]): HTMLElement | undefined {
  const place = places.find(({ parent }) => parent.isConnected);
  if (place === undefined) return undefined;
  const { parent, before } = place;
  const came = before?.isConnected === true ? (before.nextElementSibling ?? before) : parent.firstElementChild;
  const found = came instanceof HTMLElement ? came : parent;
  const inner = found.firstElementChild;
  if (inner instanceof HTMLButtonElement) return inner;
  // What is only read takes the focus from here alone.
  if (found.tabIndex < 0) found.tabIndex = -1;
  return found;
}
