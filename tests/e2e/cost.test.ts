import { fileURLToPath } from "node:url";
import { test } from "vitest";
import { runScript } from "../../tools/embedded-convex/run.mjs";

const APP = fileURLToPath(new URL("../..", import.meta.url));
const STEPS = fileURLToPath(new URL("cost.steps.mjs", import.meta.url));
/** 2,000 batches, each call in contexts of its own. */
const STEPS_TIMEOUT_MS = 1_200_000;

test("a steady batch of 20 deltas reads at most 6 documents and writes at most 2, at every age; the batches that fold are counted", () => runScript(APP, STEPS), STEPS_TIMEOUT_MS);
