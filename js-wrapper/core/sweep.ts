/** What the core decides for the sweeps. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_sweep";
import * as wasm from "#wasm/sweep";
import { packSilence, packTrim, type SilenceCall, type TrimCall } from "./boundary.js";
import { Instance } from "./instance.js";

const instance = new Instance(bytes, wasm.initSync);

/** Which sessions are due. */
export function sessionsDue(nowMs: number): wasm.SessionsDue {
  return instance.ask(() => wasm.sessionsDue(nowMs));
}

/** Decides which chunks of a stream go, and what is folded before. */
export function planTrim(call: TrimCall): wasm.TrimAnswer {
  return instance.askPacked(wasm.planTrim, packTrim(call));
}

/** Decides whether a turn has gone silent. */
export function planSilence(call: SilenceCall): wasm.SilenceAnswer {
  return instance.askPacked(wasm.planSilence, packSilence(call));
}
