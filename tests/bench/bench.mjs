// The package beside the same rules in plain JavaScript, a function that does nothing, and the least that can be done: `npm run bench` prints
// one table, `npm run bench -- --write` puts it into docs/BENCHMARKS.md, which says what is compared and how.
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { runScript } from "../../tools/embedded-convex/run.mjs";
import { sizesOf } from "../../tools/sizes.mjs";
import { reported } from "./figures.mjs";
import { measureInNode } from "./in-node.mjs";
import { measureScreen } from "./screen.mjs";
import { machineOf, putInto, tableOf } from "./table.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const DOCUMENT = here("../../docs/BENCHMARKS.md");
const COUNTS = here("../core/bench.json");

const loads = [os.loadavg()[0]];
const startMs = performance.now();
const told = async (what, work) => {
  console.error(`${what} …`);
  return work();
};
const inIsolate = await told("calls in the isolate", async () => reported(await runScript(here("contenders.app"), here("user-time.mjs"))));
const inNode = await told("the plan alone", measureInNode);
const screen = await told("from the line to the screen", measureScreen);
loads.push(os.loadavg()[0]);

const counts = JSON.parse(readFileSync(COUNTS, "utf8"));
const table = tableOf({ inIsolate, inNode, screen, counts, wasm: sizesOf("ingest") });
const machine = machineOf({ cpus: os.cpus(), node: process.version, v8: process.versions.v8, date: new Date(), loads, seconds: (performance.now() - startMs) / 1000 });
console.log(`${machine}\n\n${table}`);
if (process.argv.includes("--write")) {
  writeFileSync(DOCUMENT, putInto(readFileSync(DOCUMENT, "utf8"), `${machine}\n\n${table}`));
  console.error(`written to ${path.relative(process.cwd(), DOCUMENT)}`);
}
// Convex clients keep their reconnecting.
process.exit(0);
