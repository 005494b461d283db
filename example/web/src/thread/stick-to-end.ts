import type { RefCallback, RefObject } from "react";
import { useCallback, useEffect, useRef, useState } from "react";

/** A reader this close to the end is at the end, in pixels. */
const END_MARGIN_PX = 64;

export interface StickToEnd {
  /** What scrolls; null until it is in the document, and then its rows are drawn. */
  viewport: HTMLElement | null;
  viewportRef: RefCallback<HTMLElement>;
  content: RefObject<HTMLDivElement | null>;
  isAtEnd: boolean;
  toEnd: () => void;
}

/**
 * Keeps the end in view for a reader who is there, and lets one who is not read in peace. That what
 * is added above does not move what they look at, the rows see to.
 */
export function useStickToEnd(): StickToEnd {
  const [viewport, viewportRef] = useState<HTMLElement | null>(null);
  const content = useRef<HTMLDivElement>(null);
  const isStuck = useRef(true);
  const [isAtEnd, setIsAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    if (viewport === null) return;
    isStuck.current = true;
    viewport.scrollTop = viewport.scrollHeight;
  }, [viewport]);

  useEffect(() => {
    const inner = content.current;
    if (viewport === null || inner === null) return;
    let top = viewport.scrollTop;
    const onScroll = () => {
      const isNear = viewport.scrollHeight - viewport.scrollTop - viewport.clientHeight < END_MARGIN_PX;
      // Content that grows leaves the reader behind without having moved them: only they unstick.
      if (isNear) isStuck.current = true;
      else if (viewport.scrollTop < top) isStuck.current = false;
      top = viewport.scrollTop;
      setIsAtEnd(isNear || isStuck.current);
    };
    // A browser goes there in steps, and each meets rows that are larger than they were taken for: it would end on the way.
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.target !== viewport || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (event.key === "Home") viewport.scrollTop = 0;
      else if (event.key === "End") toEnd();
      else return;
      event.preventDefault();
    };
    const observer = new ResizeObserver(() => {
      if (isStuck.current) viewport.scrollTop = viewport.scrollHeight;
    });
    observer.observe(inner);
    observer.observe(viewport);
    viewport.addEventListener("scroll", onScroll, { passive: true });
    viewport.addEventListener("keydown", onKeyDown);
    return () => {
      observer.disconnect();
      viewport.removeEventListener("scroll", onScroll);
      viewport.removeEventListener("keydown", onKeyDown);
    };
  }, [viewport, toEnd]);

  return { viewport, viewportRef, content, isAtEnd, toEnd };
}
