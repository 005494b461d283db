import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { advanceReveal, revealWhole, type Reveal, type RevealPace } from "./reveal.js";

/** Options of {@link useCodexSmoothText}; a number that is not above 0 counts as not given. */
export interface CodexSmoothTextOptions {
  /** Whether the text is still being written; true where it is not given. What is not is shown whole at once. */
  isStreaming?: boolean | undefined;
  /** In how many milliseconds what has arrived is to be shown; 250 where it is not given. */
  drainMs?: number | undefined;
  /** How many milliseconds a character takes at most, however little waits; 5 where it is not given. */
  maxCharIntervalMs?: number | undefined;
  /** How many characters (UTF-16 units) one frame shows at most; no bound where it is not given. */
  maxCharsPerFrame?: number | undefined;
  /** How many milliseconds lie between two renders at least; 0, a render each frame, where it is not given. The last one never waits. */
  minCommitMs?: number | undefined;
}

const DRAIN_MS = 250;
const CHAR_INTERVAL_MS = 5;
const REDUCED_MOTION = "(prefers-reduced-motion: reduce)";

/** Where the revealing is, which may be ahead of what is rendered. */
interface Progress {
  /** The text that `ahead` was cut from. */
  readonly of: string;
  readonly shown: string;
  readonly ahead: string;
  readonly reveal: Reveal;
  /** Nothing waits: time runs from the next frame on. */
  readonly isAtRest: boolean;
  readonly committedMs: number;
}

/**
 * Reveals a text that grows in jumps smoothly, character by character.
 *
 * What is there when the component mounts is shown at once: only growth is animated. Shown whole at once
 * are too: a text that is not being written any more, a text that does not begin with what is shown, and
 * every text for who prefers reduced motion. No character is cut in half. On a server, and where nothing
 * animates, it is the text itself.
 *
 * @param text The whole text so far.
 * @param options Whether it is still being written, and how fast it is revealed.
 * @returns What to show of it: a beginning, or all.
 *
 * @example
 * ```tsx
 * const shown = useCodexSmoothText(message.text, { isStreaming: message.status === "streaming", minCommitMs: 33 });
 * ```
 */
export function useCodexSmoothText(text: string, options: CodexSmoothTextOptions = {}): string {
  const { isStreaming = true } = options;
  const [motion] = useState(motionPreference);
  const isStill = useSyncExternalStore(motion.subscribe, motion.isReduced, () => false);
  const isAnimated = isStreaming && !isStill;
  const drainMs = positiveOr(options.drainMs, DRAIN_MS);
  const maxCharIntervalMs = positiveOr(options.maxCharIntervalMs, CHAR_INTERVAL_MS);
  const maxCharsPerFrame = Math.ceil(positiveOr(options.maxCharsPerFrame, Number.POSITIVE_INFINITY));
  const minCommitMs = positiveOr(options.minCommitMs, 0);

  // What was cut from this text begins it: to compare it again at every frame would cost its whole length.
  const [state, setState] = useState({ shown: text, of: text });
  const isBeginning = useMemo(() => state.of === text || text.startsWith(state.shown), [state, text]);
  const shown = isAnimated && isBeginning ? state.shown : text;
  if (shown !== state.shown) setState({ shown, of: text });

  const progress = useRef<Progress | null>(null);
  useEffect(() => {
    if (shown === text) return;
    const pace: RevealPace = { drainMs, maxCharIntervalMs, maxCharsPerFrame };
    const known = progress.current;
    const goesOn = known?.shown === shown && (known.of === text || text.startsWith(known.ahead));
    let at = goesOn ? { ...known, of: text } : restAt(text, shown);
    const animate = (nowMs: number): void => {
      const reveal = advanceReveal(text, at.isAtRest ? { ...at.reveal, atMs: nowMs } : at.reveal, nowMs, pace);
      const ahead = text.slice(0, reveal.length);
      const isWhole = ahead.length === text.length;
      at = { ...at, ahead, reveal, isAtRest: isWhole };
      const isDue = ahead.length > shown.length && (isWhole || nowMs - at.committedMs >= minCommitMs);
      if (isDue) at = { ...at, shown: ahead, committedMs: nowMs };
      progress.current = at;
      if (isDue) setState({ shown: ahead, of: text });
      else frame = requestAnimationFrame(animate);
    };
    let frame = requestAnimationFrame(animate);
    return () => cancelAnimationFrame(frame);
  }, [text, shown, drainMs, maxCharIntervalMs, maxCharsPerFrame, minCommitMs]);
  return shown;
}

function restAt(of: string, shown: string): Progress {
  return { of, shown, ahead: shown, reveal: revealWhole(shown), isAtRest: true, committedMs: Number.NEGATIVE_INFINITY };
}

function positiveOr(given: number | undefined, otherwise: number): number {
  return given !== undefined && given > 0 ? given : otherwise;
}

/** Whether less motion is preferred. Not every place that renders knows media queries. */
function motionPreference() {
  const place: { matchMedia?: (query: string) => MediaQueryList } = globalThis;
  const query = place.matchMedia?.(REDUCED_MOTION);
  return {
    isReduced: () => query?.matches === true,
    subscribe: (listener: () => void) => {
      query?.addEventListener("change", listener);
      return () => query?.removeEventListener("change", listener);
    },
  };
}
