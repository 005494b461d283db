import type { RefObject } from "react";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** A reader this close to the end is at the end, in pixels. */
const END_MARGIN_PX = 64;

export interface StickToEnd {
  viewport: RefObject<HTMLElement | null>;
  content: RefObject<HTMLDivElement | null>;
  isAtEnd: boolean;
  toEnd: () => void;
}

/**
 * Keeps the end in view for a reader who is there, and lets one who is not read in peace: what is
 * added above or below does not move what they look at.
 *
 * @param firstKey The key of the first message; another one means that earlier ones were added.
 */
export function useStickToEnd(firstKey: string | undefined): StickToEnd {
  const viewport = useRef<HTMLElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isStuck = useRef(true);
  const heightBefore = useRef(0);
  const [isAtEnd, setIsAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    const view = viewport.current;
    if (view === null) return;
    isStuck.current = true;
    view.scrollTop = view.scrollHeight;
  }, []);

  useEffect(() => {
    const view = viewport.current;
    const inner = content.current;
    if (view === null || inner === null) return;
    let top = view.scrollTop;
    const onScroll = () => {
      const isNear = view.scrollHeight - view.scrollTop - view.clientHeight < END_MARGIN_PX;
      // Content that grows leaves the reader behind without having moved them: only they unstick.
      if (isNear) isStuck.current = true;
      else if (view.scrollTop < top) isStuck.current = false;
      top = view.scrollTop;
      setIsAtEnd(isNear || isStuck.current);
    };
    const observer = new ResizeObserver(() => {
      if (isStuck.current) view.scrollTop = view.scrollHeight;
      heightBefore.current = view.scrollHeight;
    });
    observer.observe(inner);
    observer.observe(view);
    view.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      view.removeEventListener("scroll", onScroll);
    };
  }, []);

  useLayoutEffect(() => {
    const view = viewport.current;
    if (view === null || isStuck.current) return;
    view.scrollTop += view.scrollHeight - heightBefore.current;
    heightBefore.current = view.scrollHeight;
  }, [firstKey]);

  return { viewport, content, isAtEnd, toEnd };
}
