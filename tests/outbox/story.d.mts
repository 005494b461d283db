import type { NormalizedEvent } from "../../js-wrapper/protocol/index.js";

export const THREADS: readonly string[];
export const TURN: string;
export const ITEM: string;
export function wordOf(cursor: number): string;
export function eventsOf(count: number): Generator<NormalizedEvent>;
