// How long the largest batches that one call may bring take, in the bundle that the real CLI pushes: `npm run bench:time`. Each call has a fresh
// context, modules and wasm included; nothing is asserted, for times are the machine's. What is kept of it stands in docs/EVIDENCE.md. What a
// steady batch takes is measured by `npm run bench`, beside other ways to do it.
import { Backend } from "../../tools/embedded-convex/index.mjs";
import { median } from "../bench/figures.mjs";

/** The largest batches that one call may bring (8 MiB): many small events, fewer and larger ones, and those that replay keeps. */
const LARGEST = [
  { events: 4_090, textBytes: 1_800 },
  { events: 4_090, textBytes: 800, runtime: { saveStreamDeltas: true } },
  { events: 1_200, textBytes: 3_900, runtime: { saveStreamDeltas: true } },
];
const LARGEST_TIMES = 5;
/** Small calls before them: the harness itself is compiled by then. */
const WARM_UP_CALLS = 30;

const actor = { tenantId: "acme", userId: "ann", deviceId: "laptop" };
const [threadId, turnId, sessionId] = ["th", "turn", "session"];
const streamId = `${threadId}:${turnId}:0`;

const event = (cursorStart, kind, params) => {
  const payloadJson = JSON.stringify({ method: kind, params: { threadId, turnId, ...params } });
  return { type: "stream_delta", eventId: `e${cursorStart}`, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd: cursorStart + 1, createdAt: 1 };
};

export default async function largestBatches({ push }) {
  const path = [...push.components.keys()].find((name) => name !== "");
  const backend = new Backend(push, { component: path });
  const call = (name, args) => backend.call(name, args);
  await call("threads:create", { actor, threadId });
  await call("sync:ensureSession", { actor, sessionId, threadId, lastEventCursor: 0 });
  let cursor = 0;
  const ingest = async (streamDeltas, runtime = {}) => {
    const { value } = await call("sync:ingestSafe", { actor, sessionId, threadId, streamDeltas, lifecycleEvents: [], runtime });
    if (value.status !== "ok") throw new Error(JSON.stringify(value));
  };
  await ingest([event(cursor++, "turn/started", { turn: { id: turnId, items: [], status: "inProgress" } })]);
  await ingest([event(cursor++, "item/started", { item: { id: "small", type: "agentMessage", text: "" } })]);
  for (let call = 0; call < WARM_UP_CALLS; call++) await ingest([event(cursor++, "item/agentMessage/delta", { itemId: "small", delta: "word " })]);

  console.log(`user time of the largest batches, ${LARGEST_TIMES} times each, of the 1,000 ms that a call may take:`);
  for (const { events, textBytes, runtime } of LARGEST) {
    const times = [];
    for (let time = 0; time < LARGEST_TIMES; time++) {
      const text = "x".repeat(textBytes);
      const itemId = `large-${cursor}`;
      await ingest([event(cursor++, "item/started", { item: { id: itemId, type: "agentMessage", text: "" } })]);
      const batch = Array.from({ length: events }, () => event(cursor++, "item/agentMessage/delta", { itemId, delta: text }));
      await ingest(batch, runtime).catch((error) => {
        console.log(`  ${error.message}`);
        cursor = batch[0].cursorStart;
      });
      times.push(backend.calls.at(-1).userMs);
    }
    const kept = runtime ? ", kept for replay" : "";
    console.log(`  ${events} events of ${textBytes} bytes${kept}: ${median(times).toFixed(0)} ms, ${Math.max(...times).toFixed(0)} at most`);
  }
}
