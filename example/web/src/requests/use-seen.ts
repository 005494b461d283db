import { useCallback, useState } from "react";

/**
 * Whether the end of something was in view: what a reader has not scrolled to, nobody has read.
 *
 * @param shown what is shown, the same value while it is the same: of something else nothing was seen
 */
export function useSeen(shown: unknown): { end: (element: HTMLElement | null) => (() => void) | undefined; isSeen: boolean } {
  const [seen, setSeen] = useState<{ shown: unknown }>();
  const end = useCallback(
    (element: HTMLElement | null) => {
      if (element === null) return undefined;
      const observer = new IntersectionObserver((entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen({ shown });
      });
      observer.observe(element);
      return () => observer.disconnect();
    },
    [shown],
  );
  return { end, isSeen: seen !== undefined && seen.shown === shown };
}
