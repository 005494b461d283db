/** What is in view, where nothing is laid out: stands in for the browser's own observer. */
import { act } from "@testing-library/react";
import { vi } from "vitest";

/** Until `vi.unstubAllGlobals`. */
export function stubInView({ isInView }: { isInView: boolean }) {
  const observers = new Set<() => void>();
  const state = { isInView };
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      readonly #tell: () => void;
      constructor(tell: (entries: { isIntersecting: boolean }[]) => void) {
        this.#tell = () => tell([{ isIntersecting: state.isInView }]);
      }
      observe = () => {
        observers.add(this.#tell);
        this.#tell();
      };
      disconnect = () => observers.delete(this.#tell);
    },
  );
  const put = (isIn: boolean) =>
    act(() => {
      state.isInView = isIn;
      for (const tell of observers) tell();
    });
  return {
    /** Its reader comes to the end. */
    scrollToEnd: () => put(true),
    /** What is new is longer than its place. */
    leaveEnd: () => put(false),
  };
}

/** A window on the page, where nothing is laid out: rows are drawn in it. Until `vi.restoreAllMocks`. */
export function stubSize() {
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(HTMLElement.prototype, "offsetHeight", "get").mockReturnValue(40);
}
