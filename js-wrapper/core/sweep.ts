/** The Rust core as the component's sweeps ask it: a module of its own, which no batch and no reader loads. */
import base64 from "#wasm/sweep_bytes";
import * as wasm from "#wasm/sweep";
import { packSilence, packTrim, type Packed, type SilenceCall, type TrimCall } from "./boundary.js";
import { Instance } from "./instance.js";

export type { SilenceCall, TrimCall } from "./boundary.js";

/** The sweeps' calls. */
export type Sweep = {
  sessionsDue: (nowMs: number) => wasm.SessionsDue;
  planTrim: (call: TrimCall) => wasm.TrimAnswer;
  planSilence: (call: SilenceCall) => wasm.SilenceAnswer;
};

const instance = new Instance(base64, wasm.initSync);

/**
 * The core.
 *
 * @returns its calls; the first call compiles and instantiates it, synchronously.
 */
export function sweep(): Sweep {
  instance.load();
  return calls;
}

const calls: Sweep = {
  sessionsDue: (nowMs) => instance.guarded(() => wasm.sessionsDue(nowMs)),
  planTrim: (call) => packed(wasm.planTrim, packTrim(call)),
  planSilence: (call) => packed(wasm.planSilence, packSilence(call)),
};

function packed<Answer>(entry: (texts: Uint8Array, numbers: Float64Array) => Answer, call: Packed): Answer {
  return instance.guarded(() => entry(call.texts, call.numbers));
}
