import type { ReactNode } from "react";
import { useId, useMemo, useState } from "react";
import { pagesOf } from "../pages.js";
import { Visible } from "./visible.js";

export interface PagesProps {
  text: string;
  /** What is read, for those who cannot see it: `Output`. */
  label: string;
  /** Where reading begins. */
  from?: "start" | "end";
  /** How a page is drawn; as it is where nothing is said. */
  draw?: (page: string) => ReactNode;
}

/** All of a text, a page at a time: what is drawn stays the same however long it is. */
export function Pages({ text, label, from = "start", draw }: PagesProps) {
  const pages = useMemo(() => pagesOf(text), [text]);
  const [chosen, setChosen] = useState<number>();
  const id = useId();
  const last = pages.length - 1;
  const current = Math.min(chosen ?? (from === "end" ? last : 0), last);
  const page = pages[current];
  const shown = page === undefined ? "" : text.slice(page.from, page.to);
  return (
    <>
      {last > 0 && (
        <div className="pages" role="group" aria-label={`Pages of ${label.toLowerCase()}`}>
          <button
            type="button"
            disabled={current === 0}
            aria-controls={id}
            onClick={() => setChosen(current - 1)}
          >
            Previous
          </button>
          <span aria-live="polite">
            page {(current + 1).toLocaleString()} of {pages.length.toLocaleString()}
          </span>
          <button
            type="button"
            disabled={current === last}
            aria-controls={id}
            onClick={() => setChosen(current + 1)}
          >
            Next
          </button>
        </div>
      )}
      {/* It scrolls: a keyboard has to reach it. Another page begins at its top. */}
      <pre key={current} id={id} tabIndex={0} role="region" aria-label={label}>
        {draw === undefined ? <Visible text={shown} /> : draw(shown)}
      </pre>
    </>
  );
}
