/** What the core makes of what the model thought. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_reasoning";
import * as wasm from "#wasm/reasoning";
import { Packer } from "./boundary.js";
import { Instance } from "./instance.js";

/** `src/reasoning.rs`, ReasoningCall. */
type ReasoningCall = { ended: boolean; includeRaw: boolean; payloadJson: string | undefined };

const instance = new Instance(bytes, wasm.initSync);

/** Decides what a reader gets of a reasoning item. */
export function readReasoning(call: ReasoningCall): wasm.ReasoningAnswer {
  const packer = new Packer();
  packer.flag(call.ended);
  packer.flag(call.includeRaw);
  packer.optionalText(call.payloadJson);
  return instance.askPacked(wasm.readReasoning, packer.end());
}
