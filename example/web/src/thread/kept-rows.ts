import type { CodexUIMessage } from "convex-codex-local/react";

/** Rows at the end that stay in the document: what is live keeps its state, and a browser's search finds it. */
export const NEWEST_KEPT = 30;
/** Rows elsewhere that stay as their reader left them: opened, focused, begun to be selected. */
export const TOUCHED_KEPT = 12;

/**
 * Which rows stay in the document though they are out of view.
 *
 * @param messages all that are loaded, oldest first
 * @param touched ids of messages
 * @returns their indexes, ascending
 */
export function keptRows(messages: readonly CodexUIMessage[], touched: readonly string[]): number[] {
  const newest = Math.max(0, messages.length - NEWEST_KEPT);
  const kept: number[] = [];
  for (const id of touched) {
    const at = messages.findLastIndex(({ _id }) => _id === id);
    if (at !== -1 && at < newest) kept.push(at);
  }
  kept.sort((one, other) => one - other);
  for (let at = newest; at < messages.length; at += 1) kept.push(at);
  return kept;
}

/**
 * The ids of the messages that the reader did something in, after they did it in one more.
 *
 * @param touched the last of them last
 * @returns `touched` itself where nothing changes
 */
export function withTouched(touched: readonly string[], id: string): readonly string[] {
  if (touched.at(-1) === id) return touched;
  return [...touched.filter((other) => other !== id), id].slice(-TOUCHED_KEPT);
}
