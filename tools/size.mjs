// The wasm's size against its budget, and its growth since the last release.
import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT } from "./cargo-tools.mjs";

const KIB = 1024;
const GZIP_LEVEL = 9;
const BUDGET_BYTES = { raw: 96 * KIB, gzip: 42 * KIB };

const wasm = readFileSync(path.join(ROOT, "pkg/convex_codex_local_bg.wasm"));
const sizes = { raw: wasm.length, gzip: gzipSync(wasm, { level: GZIP_LEVEL }).length };
// `null` until there is a release; the release commit writes version and bytes.
const { release } = JSON.parse(readFileSync(path.join(ROOT, "tools/size-release.json"), "utf8"));

const signed = (bytes) => `${bytes >= 0 ? "+" : ""}${bytes}`;
const growth = (kind) => (release === null ? "no release yet" : `${signed(sizes[kind] - release[kind])} since ${release.version}`);

let isOver = false;
for (const [kind, budget] of Object.entries(BUDGET_BYTES)) {
  const over = sizes[kind] - budget;
  isOver ||= over > 0;
  console.log(`wasm ${kind.padEnd(4)} ${sizes[kind]} of ${budget} bytes (${over > 0 ? `${over} OVER` : `${-over} left`}), ${growth(kind)}`);
}
process.exitCode = isOver ? 1 : 0;
