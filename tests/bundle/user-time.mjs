// How long a steady ingest takes beside a function that does nothing, in the bundle that the real CLI pushes: `npm run bench:time`.
// Each call has a fresh context, modules and wasm included. The two take turns, so that a busy machine slows both; nothing is asserted,
// for times are the machine's. What is kept of it stands in docs/EVIDENCE.md.
import { Backend } from "../../tools/embedded-convex/index.mjs";

const PAIRS = 300;
const DELTAS = 20;
/** The largest batches that one call may bring (8 MiB): many small events, fewer and larger ones, and those that replay keeps. */
const LARGEST = [
  { events: 4_090, textBytes: 1_800 },
  { events: 4_090, textBytes: 800, runtime: { saveStreamDeltas: true } },
  { events: 1_200, textBytes: 3_900, runtime: { saveStreamDeltas: true } },
];
const LARGEST_TIMES = 5;
/** The least that a function can be: no wrapper, no validator, no import. */
const EMPTY = `export const empty = Object.assign(() => {}, {
  isMutation: true, isPublic: true, exportArgs: () => '{"type":"any"}', exportReturns: () => '{"type":"any"}', invokeMutation: async () => "null",
});`;

const actor = { tenantId: "acme", userId: "ann", deviceId: "laptop" };
const [threadId, turnId, sessionId] = ["th", "turn", "session"];
const streamId = `${threadId}:${turnId}:0`;

const event = (cursorStart, kind, params) => {
  const payloadJson = JSON.stringify({ method: kind, params: { threadId, turnId, ...params } });
  return { type: "stream_delta", eventId: `e${cursorStart}`, turnId, streamId, kind, payloadJson, cursorStart, cursorEnd: cursorStart + 1, createdAt: 1 };
};

const median = (numbers) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1];
const spread = (numbers) => numbers.map((number) => number.toFixed(2)).join(" to ");

export default async function userTime({ push }) {
  const path = [...push.components.keys()].find((name) => name !== "");
  const component = push.components.get(path);
  const any = '{"type":"any"}';
  component.set.sources.set("empty.js", { path: "empty.js", source: EMPTY, environment: "isolate" });
  component.functions["empty.js"] = { functions: [{ name: "empty", udfType: "Mutation", visibility: { kind: "public" }, args: any, returns: any }] };
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
  await ingest([event(cursor++, "item/started", { item: { id: "m", type: "agentMessage", text: "" } })]);

  const taken = { empty: [], ingest: [] };
  const last = () => backend.calls.at(-1);
  for (let pair = 0; pair < PAIRS; pair++) {
    await call("empty:empty", {});
    taken.empty.push(last());
    await ingest(Array.from({ length: DELTAS }, () => event(cursor++, "item/agentMessage/delta", { itemId: "m", delta: "word " })));
    taken.ingest.push(last());
  }
  const ratios = taken.ingest.map(({ userMs }, pair) => userMs / taken.empty[pair].userMs).toSorted((one, other) => one - other);
  const quarter = PAIRS >> 2;
  console.log(`user time of an ingest of ${DELTAS} deltas beside an empty function's, ${PAIRS} pairs:`);
  console.log(`  ratio ${median(ratios).toFixed(1)} (half of the pairs: ${spread([ratios[quarter], ratios.at(-quarter)])})`);
  for (const [name, calls] of Object.entries(taken)) {
    const of = (pick) => median(calls.map(pick)).toFixed(2);
    console.log(`  ${name}: ${of((call) => call.userMs)} ms; context ${of((call) => call.timings.context)}, compile ${of((call) => call.timings.compile)}, evaluate ${of((call) => call.timings.evaluate)}, wasm ${of((call) => call.wasmMs)}`);
  }

  console.log(`user time of the largest batches, ${LARGEST_TIMES} times each, of the 1,000 ms that a call may take:`);
  for (const { events, textBytes, runtime } of LARGEST) {
    const times = [];
    for (let time = 0; time < LARGEST_TIMES; time++) {
      const text = "x".repeat(textBytes);
      const itemId = `large-${cursor}`;
      await ingest([event(cursor++, "item/started", { item: { id: itemId, type: "agentMessage", text: "" } })]);
      const batch = Array.from({ length: events }, () => event(cursor++, "item/agentMessage/delta", { itemId, delta: text }));
      await ingest(batch, runtime).catch((error) => console.log(`  ${error.message}`));
      times.push(last().userMs);
    }
    const kept = runtime ? ", kept for replay" : "";
    console.log(`  ${events} events of ${textBytes} bytes${kept}: ${median(times).toFixed(0)} ms, ${Math.max(...times).toFixed(0)} at most`);
  }
}
