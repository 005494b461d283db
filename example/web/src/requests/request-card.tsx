import { useId, useLayoutEffect, useRef, type FocusEvent, type ReactNode } from "react";
import { TimeLeft } from "./time-left.js";

export interface RequestCardProps {
  title: string;
  /** What the last answer failed with, in words. */
  failure: string | undefined;
  /** When Codex goes on without an answer, in milliseconds of Unix time. */
  until?: number | undefined;
  children: ReactNode;
}

/** Something that Codex waits for a person with. Whoever answered in it is taken to what comes next when it goes. */
export function RequestCard({ title, failure, until, children }: RequestCardProps) {
  const id = useId();
  const card = useRef<HTMLElement>(null);
  // A button that is disabled loses the focus before the card goes: the document is no word on where it was.
  const isIn = useRef(false);
  useLayoutEffect(() => {
    const { current } = card;
    return () => {
      if (isIn.current && current !== null) focusAfter(current);
    };
  }, []);
  const onBlur = ({ relatedTarget }: FocusEvent) => {
    if (relatedTarget !== null && card.current?.contains(relatedTarget) === false) isIn.current = false;
  };
  return (
    <section className="request" aria-labelledby={id} ref={card} onFocus={() => (isIn.current = true)} onBlur={onBlur}>
      <h2 id={id} tabIndex={-1}>
        {title}
      </h2>
      {until !== undefined && <TimeLeft key={until} until={until} />}
      {children}
      {failure !== undefined && (
        <p className="error" role="alert">
          {failure}
        </p>
      )}
    </section>
  );
}

/** Where the focus goes that was in a card: to the card behind it, the one before it, the composer, the thread. */
function focusAfter(card: HTMLElement): void {
  const cards = [...(card.parentElement?.querySelectorAll<HTMLElement>(":scope > .request") ?? [])];
  const at = cards.indexOf(card);
  const others = [...cards.slice(at + 1), ...cards.slice(0, Math.max(at, 0)).reverse()];
  // When the cards that go are gone.
  queueMicrotask(() => {
    const { activeElement, body } = document;
    if (card.isConnected || (activeElement !== null && activeElement !== body)) return;
    const next =
      others.find(({ isConnected }) => isConnected)?.querySelector<HTMLElement>("h2") ??
      document.querySelector<HTMLElement>(".composer textarea:enabled") ??
      document.querySelector<HTMLElement>("main[tabindex]");
    next?.focus();
  });
}
