import { useCallback, useState } from "react";

/** Whether the end of something was in view: what a reader has not scrolled to, nobody has read. */
export function useSeen(): { end: (element: HTMLElement | null) => (() => void) | undefined; isSeen: boolean } {
  const [isSeen, setSeen] = useState(false);
  const end = useCallback((element: HTMLElement | null) => {
    if (element === null) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { end, isSeen };
}
