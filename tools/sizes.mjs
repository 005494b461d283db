import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT } from "./cargo-tools.mjs";

const GZIP_LEVEL = 9;

/** The bytes of a door's wasm in pkg/, as it is and compressed. */
export function sizesOf(door) {
  const wasm = readFileSync(path.join(ROOT, `pkg/${door}_bg.wasm`));
  return { raw: wasm.length, gzip: gzipSync(wasm, { level: GZIP_LEVEL }).length };
}
