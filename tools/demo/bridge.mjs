// The bridge's process: Codex on one side, Convex on the other. It knows nothing of the page and the terminal, nor they of it.
// Its first line on stdin says what to run (a command line can be read by everyone); the end of stdin ends it.
// On stdout it reports, one JSON object a line: {"report": "thread" | "warning" | "done", …}.
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { CodexLocalBridge } from "convex-codex-local/bridge";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { Outbox } from "./outbox.mjs";

const RUNTIME = { saveStreamDeltas: true };
/** An approval of the scripted session is given after a moment, so that it can be seen. */
const APPROVE_AFTER_MS = 1200;
const PROCESS_EXITED = "E_BRIDGE_PROCESS_EXITED";
const CLIENT_NAME = "convex_codex_local_demo";
const APPROVAL = /\/requestApproval$/;

const report = (kind, fields = {}) => process.stdout.write(`${JSON.stringify({ report: kind, ...fields })}\n`);
const warn = (text) => report("warning", { text });

const input = createInterface({ input: process.stdin });
const { deploymentUrl, actor, codex, drive } = JSON.parse(await new Promise((line) => input.once("line", line)));

const convex = new ConvexHttpClient(deploymentUrl, { logger: false });
const sessionId = randomUUID();
const threads = new Set();
const outbox = new Outbox(sendBatch, (error) => warn(`Convex did not take a batch, trying again: ${error.message.split("\n")[0]}`));

async function sendBatch(batch) {
  const { threadId } = batch[0];
  if (!threads.has(threadId)) {
    await convex.mutation(anyApi.chat.ensureThread, { actor, threadId });
    await convex.mutation(anyApi.chat.ensureSession, { actor, sessionId, threadId });
    threads.add(threadId);
    report("thread", { threadId });
  }
  const answer = await convex.mutation(anyApi.chat.ingestBatch, { actor, sessionId, threadId, deltas: batch, runtime: RUNTIME });
  // A rejection is final: the same batch would be rejected again.
  for (const { code, errorCode, message } of answer.errors) warn(`${errorCode ?? code}: ${message}`);
}

let requestId = 0;
const send = (method, params) => bridge.send({ id: `demo-${++requestId}`, method, params });

const bridge = new CodexLocalBridge(
  { ...codex, clientInfo: { name: CLIENT_NAME, title: "convex-codex-local demo", version: "0.0.0" } },
  {
    onEvent(event) {
      outbox.put(event);
      if (drive?.approve && APPROVAL.test(event.kind)) void approve(event);
      // One turn is the whole session: nobody here asks for another.
      if (drive && event.kind === "turn/completed") void finish();
    },
    onGlobalMessage(message) {
      if (message.error) warn(`codex: ${message.error.message}`);
      else if (drive && message.result?.thread) startTurn(message.result.thread.id);
    },
    onProtocolError({ error }) {
      if (error.code === PROCESS_EXITED) return; // onProcessExit says it where it is unexpected
      warn(`${error.code ?? error.name}: ${error.message}`);
    },
    onProcessExit(code) {
      if (code !== 0 && !finishing) warn(`codex ended (${code ?? "by a signal"})`);
      void finish();
    },
  },
);

async function approve({ payloadJson }) {
  await sleep(APPROVE_AFTER_MS);
  if (!finishing) bridge.send({ id: JSON.parse(payloadJson).id, result: { decision: "accept" } });
}

let turnStarted = false;
function startTurn(threadId) {
  if (turnStarted) return;
  turnStarted = true;
  send("turn/start", { threadId, input: [{ type: "text", text: drive.prompt, text_elements: [] }], ...drive.turn });
}

let finishing;
function finish() {
  finishing ??= (async () => {
    await bridge.stop();
    await outbox.flushed();
    report("done", outbox.stats);
    process.exit(0);
  })();
}

// A Ctrl-C is for the parent, which closes stdin.
process.on("SIGINT", () => {});
input.on("close", () => {
  outbox.stop();
  void finish();
});
bridge.start();
if (drive) send("thread/start", drive.thread);
