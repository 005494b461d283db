/**
 * The Rust core as the component asks it, loaded when it is first asked and not before: a function that never asks pays
 * nothing.
 */
import base64 from "#wasm/component_bytes";
import * as wasm from "#wasm/component";
import * as boundary from "./boundary.js";
import { Instance } from "./instance.js";

export { CoreError } from "./instance.js";
export type * from "./boundary.js";

/** The core's calls, see each in `boundary.ts`. */
export type Core = {
  planIngest: (call: boundary.IngestCall) => wasm.IngestAnswer;
  readWindow: (call: boundary.WindowCall) => wasm.WindowAnswer;
  planTurnStart: (call: boundary.TurnStartCall) => ClientAnswer<"known" | "adopt" | "insert">;
  planTurnInterrupt: (call: boundary.TurnInterruptCall) => ClientAnswer<"interrupted">;
  planSession: (call: boundary.SessionCall) => ClientAnswer<"session">;
  planCheckpoint: (call: boundary.CheckpointCall) => ClientAnswer<"keep" | "raise">;
  /** Whether the usage of the turn at `order` is the thread's too, which is of the turn before `place`. */
  isThreadUsage: (order: number, place: number) => boolean;
  /** How many chunks of a stream a reader with these options can be given at most. */
  chunksToLoad: (runtime: boundary.RuntimeOptions | undefined) => number;
};

/** The answers that a client's call can have; every one can be rejected. */
export type ClientAnswer<Type extends wasm.ClientAnswer["type"]> = Extract<wasm.ClientAnswer, { type: Type | "rejected" }>;

const instance = new Instance(base64, wasm.initSync);

/**
 * The core.
 *
 * @returns its calls; the first call compiles and instantiates it, synchronously.
 */
export function core(): Core {
  instance.load();
  return calls;
}

const calls: Core = {
  planIngest: (call) => packed(wasm.planIngest, boundary.packIngest(call)),
  readWindow: (call) => packed(wasm.readWindow, boundary.packWindow(call)),
  planTurnStart: (call) => packed(wasm.planTurnStart, boundary.packTurnStart(call)) as ClientAnswer<"known" | "adopt" | "insert">,
  planTurnInterrupt: (call) =>
    packed(wasm.planTurnInterrupt, boundary.packTurnInterrupt(call)) as ClientAnswer<"interrupted">,
  planSession: (call) => packed(wasm.planSession, boundary.packSession(call)) as ClientAnswer<"session">,
  planCheckpoint: ({ cursor, known, streamExists }) =>
    instance.guarded(() => wasm.planCheckpoint(cursor, known ?? -1, streamExists)) as ClientAnswer<"keep" | "raise">,
  isThreadUsage: (order, place) => instance.guarded(() => wasm.isThreadUsage(order, place)),
  chunksToLoad: (runtime) => packed(wasm.chunksToLoad, boundary.packOptions(runtime)),
};

function packed<Answer>(entry: (texts: Uint8Array, numbers: Float64Array) => Answer, call: boundary.Packed): Answer {
  return instance.guarded(() => entry(call.texts, call.numbers));
}
