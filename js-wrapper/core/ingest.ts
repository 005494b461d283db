/** The core's plan of a batch. A module is loaded when it is first asked: a function that never asks pays nothing. */
import bytes from "#wasm/bytes_ingest";
import * as wasm from "#wasm/ingest";
import { packIngest, type IngestCall } from "./boundary.js";
import { Instance } from "./instance.js";

const instance = new Instance(bytes, wasm.initSync);

/**
 * Plans a batch.
 *
 * @throws CoreError where the core trapped, or was called otherwise than it reads: a bug of this software
 */
export function planIngest(call: IngestCall): wasm.IngestAnswer {
  return instance.askPacked(wasm.planIngest, packIngest(call));
}
