import { useEffect, useState } from "react";

const SECOND_MS = 1_000;

/** How long Codex waits for an answer before it goes on without one. It is no live region: nobody is told of every second. */
export function TimeLeft({ until }: { until: number }) {
  const [now, setNow] = useState(() => Date.now());
  const left = Math.max(0, Math.ceil((until - now) / SECOND_MS));
  useEffect(() => {
    if (left === 0) return undefined;
    // When it is a second less.
    const timer = setTimeout(() => setNow(Date.now()), until - (left - 1) * SECOND_MS - now);
    return () => clearTimeout(timer);
  }, [until, left, now]);
  return (
    <p className="request-left" role="timer">
      {left === 0 ? "Codex goes on without an answer." : `Codex goes on without an answer in ${secondsWords(left)}.`}
    </p>
  );
}

const MINUTE = 60;

/** @param seconds whole ones */
export function secondsWords(seconds: number): string {
  if (seconds < MINUTE) return `${seconds} s`;
  return `${Math.floor(seconds / MINUTE)} min ${seconds % MINUTE} s`;
}
