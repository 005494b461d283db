// The wasm's size against its budget, and its growth since the last release.
import { readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./cargo-tools.mjs";
import { DOOR_BUDGETS_BYTES } from "./doors.mjs";
import { sizesOf } from "./sizes.mjs";

// `null` until there is a release; the release commit writes version and bytes by door.
const { release } = JSON.parse(readFileSync(path.join(ROOT, "tools/size-release.json"), "utf8"));

const signed = (bytes) => `${bytes >= 0 ? "+" : ""}${bytes}`;

let isOver = false;
for (const [door, budgets] of Object.entries(DOOR_BUDGETS_BYTES)) {
  const sizes = sizesOf(door);
  for (const [kind, budget] of Object.entries(budgets)) {
    const over = sizes[kind] - budget;
    isOver ||= over > 0;
    const growth = release === null ? "no release yet" : `${signed(sizes[kind] - release[door][kind])} since ${release.version}`;
    console.log(`${door.padEnd(9)} ${kind.padEnd(4)} ${sizes[kind]} of ${budget} bytes (${over > 0 ? `${over} OVER` : `${-over} left`}), ${growth}`);
  }
}
process.exitCode = isOver ? 1 : 0;
