/** What the core decides for readers. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_reads";
import * as wasm from "#wasm/reads";
import { packReader, packWindow, type ReaderCall, type WindowCall } from "./boundary.js";
import { Instance } from "./instance.js";

const instance = new Instance(bytes, wasm.initSync);

/** Decides what a reader gets of its streams. */
export function readWindow(call: WindowCall): wasm.WindowAnswer {
  return instance.askPacked(wasm.readWindow, packWindow(call));
}

/** How many chunks of a stream a reader with these options can be given at most. */
export function chunksToLoad(call: ReaderCall): number {
  return instance.askPacked(wasm.chunksToLoad, packReader(call));
}
