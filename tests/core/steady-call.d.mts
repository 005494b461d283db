import type { IngestCall, StreamEvent } from "../../js-wrapper/core/boundary.js";

export const ITEM_ID: string;
export const STREAM_ID: string;
export const EVENTS_BEFORE: number;
export function eventOf(at: number, kind: string, params: object): StreamEvent;
export function textEvents(start: number, count: number): StreamEvent[];
export function steadyCall(count: number): IngestCall;
