/** The Rust core as the bridge asks it: a module of its own, so that neither loads what only the other needs. */
import base64 from "#wasm/bridge_bytes";
import * as wasm from "#wasm/bridge";
import { Instance } from "./instance.js";

const instance = new Instance(base64, wasm.initSync);

/**
 * What one line of the app-server is.
 *
 * @param line - one JSON value, without a line end
 * @throws CoreError where the core trapped: a bug of this software
 */
export function classifyLine(line: string): wasm.LineClass {
  return instance.ask(() => wasm.classifyLine(line));
}
