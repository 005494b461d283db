// A host process that is to be killed: a runtime whose codex is the stand-in, and whose Convex is behind its parent's address. It sends
// one turn, says how many events are in its outbox whenever that changes, and lives on.
import path from "node:path";
import { createCodexHostRuntime } from "../../dist/js-wrapper/runtime/index.js";

const [url, optionsText, startText] = process.argv.slice(2);
const { standIn, ...options } = JSON.parse(optionsText);

/** Calls a function of the persistence at the parent's; what it refuses is told as the network's. */
const call = (name) => async (args) => {
  const answer = await fetch(`${url}/${name}`, { method: "POST", body: JSON.stringify(args) });
  if (!answer.ok) throw new TypeError(`fetch failed: ${String(answer.status)}`);
  return await answer.json();
};
const FUNCTIONS = ["ensureThread", "ensureSession", "ingestSafe", "upsertPendingServerRequest", "resolvePendingServerRequest"];

const LOOK_MS = 5;

const runtime = createCodexHostRuntime({
  persistence: Object.fromEntries(FUNCTIONS.map((name) => [name, call(name)])),
  bridge: { codexBin: process.execPath, args: [path.join(import.meta.dirname, "stand-in-codex.mjs"), JSON.stringify(standIn ?? {})] },
  ...options,
});
let told;
setInterval(() => {
  const waiting = runtime.backlog().reduce((sum, { events }) => sum + events, 0);
  if (waiting !== told) console.log(waiting);
  told = waiting;
}, LOOK_MS);
await runtime.start(JSON.parse(startText));
await runtime.ready();
runtime.sendTurn("Wait.");
