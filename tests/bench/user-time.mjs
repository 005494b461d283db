// What one call that ingests a batch of text takes in the isolate, run by `cli.mjs script` on contenders.app: user time, documents, bytes, and
// the source that it loads, of the package and of what it is held against. In each round every contender has a turn with every batch, in an order
// that is drawn, so that what V8 does now and then meets no one more often; behind each turn its rows are put back, for the next one.
import assert from "node:assert/strict";
import { Backend } from "../../tools/embedded-convex/index.mjs";
import { seededRandom } from "../../tools/embedded-convex/random.mjs";
import { EVENTS_BEFORE, ITEM_ID, THREAD_ID, TURN_ID, eventOf, textEvents } from "../core/steady-call.mjs";
import { BATCHES, report } from "./figures.mjs";

const WARM_ROUNDS = 60;
const COLD_ROUNDS = 25;
/** Calls before the first round: the harness itself is compiled by then. */
const WARM_UP_ROUNDS = 3;
const ORDER_SEED = 1;

const actor = { tenantId: "acme", userId: "ann", deviceId: "laptop" };
const sessionId = "session";
/** The clock stands, so that no session's beat is due, and rows can be compared. */
const NOW_MS = 1_800_000_000_000;
/** Parts belong to a row by its id, and a batch of text touches none. */
const LEFT_OUT = new Set(["parts", "batches"]);

const argsOf = (streamDeltas) => ({ actor, sessionId, threadId: THREAD_ID, streamDeltas: streamDeltas.map((event) => ({ type: "stream_delta", ...event })), lifecycleEvents: [] });
const batchOf = (count) => argsOf(textEvents(EVENTS_BEFORE, count));

export default async function userTime({ push }) {
  Date.now = () => NOW_MS;
  const contenders = await startContenders(push);
  for (const count of BATCHES) await sameRows(contenders, count);
  const costs = await measureCosts(contenders);
  const warm = await measure(contenders, WARM_ROUNDS, () => undefined);
  const modules = new Map(Object.values(contenders).map(({ set }) => [set, new Map(set.sources)]));
  assert([...contenders.codex.set.sources.values()].some(({ source }) => WASM_IN_HEX.test(source)), "the package's wasm is in its modules, in hex");
  let made = 0;
  const asNew = ({ set }) => makeNew(set, modules.get(set), made++);
  report({ costs, warm, cold: await measure(contenders, COLD_ROUNDS, asNew) });
}

/** The package with a thread in which an item grows, and the others with the same rows. */
async function startContenders(push) {
  const path = [...push.components.keys()].find((name) => name !== "");
  const codex = new Backend(push, { component: path });
  const other = new Backend(push);
  await codex.call("threads:create", { actor, threadId: THREAD_ID });
  await codex.call("sync:ensureSession", { actor, sessionId, threadId: THREAD_ID, lastEventCursor: 0 });
  const begin = [eventOf(0, "turn/started", { turn: { id: TURN_ID, items: [], status: "inProgress" } }), eventOf(1, "item/started", { item: { id: ITEM_ID, type: "agentMessage", text: "" } })];
  await codex.call("sync:ingestSafe", argsOf(begin));
  await codex.call("sync:ingestSafe", argsOf(textEvents(2, EVENTS_BEFORE - 2)));
  const rows = await rowsOf(codex);
  await other.t.run(async ({ db }) => {
    for (const [table, own] of rows) for (const row of own) await db.insert(table, row);
  });
  const heads = new Map();
  for (const backend of [codex, other]) heads.set(backend, await backend.t.run(({ db }) => db.query("streamHeads").unique()));
  const contender = (backend, definition, fn, argsOf) => ({ backend, head: heads.get(backend), set: push.components.get(definition).set, fn, argsOf });
  return {
    codex: contender(codex, path, "sync:ingestSafe", batchOf),
    plain: contender(other, "", "plain:ingest", batchOf),
    floor: contender(other, "", "floor:keep", (count) => ({ text: JSON.stringify(batchOf(count)) })),
    empty: contender(other, "", "empty:empty", () => ({})),
  };
}

/** A row without what the database gives it. */
function fieldsOf(row) {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith("_")));
}

/** All rows by table, without what names them. */
async function rowsOf({ t, push, options }) {
  const tables = Object.keys(push.components.get(options.component ?? "").schemaObject.tables).filter((table) => !LEFT_OUT.has(table));
  const rows = await t.run(({ db }) => Promise.all(tables.map((table) => db.query(table).collect())));
  return new Map(tables.map((table, at) => [table, rows[at].map(fieldsOf)]));
}

/** The plain rules answer as the package does and leave the same rows: for the batch, the batch again, in another order, and with a hole. */
async function sameRows({ codex, plain }, count) {
  const events = textEvents(EVENTS_BEFORE, count);
  const half = events.slice(0, Math.ceil(count / 2));
  const cases = [[events, events], [events.toReversed()], [half, events], [textEvents(EVENTS_BEFORE + count, 1), events]];
  for (const batches of cases) {
    for (const batch of batches) {
      const { value: answer } = await codex.backend.call(codex.fn, argsOf(batch));
      assert.deepEqual((await plain.backend.call(plain.fn, argsOf(batch))).value, answer);
    }
    assert.deepEqual(await rowsOf(plain.backend), await rowsOf(codex.backend));
    await putBack(codex);
    await putBack(plain);
  }
}

/** Takes away what a batch wrote. */
async function putBack({ backend, head }) {
  await backend.t.run(async ({ db }) => {
    await db.replace(head._id, fieldsOf(head));
    for (const { _id: id, cursorStart } of await db.query("chunks").collect()) if (cursorStart >= EVENTS_BEFORE) await db.delete(id);
    for (const { _id: id } of backend.options.component === undefined ? await db.query("batches").collect() : []) await db.delete(id);
  });
}

async function callOnce(contender, count) {
  const { calls } = await contender.backend.call(contender.fn, contender.argsOf(count));
  await putBack(contender);
  return calls.at(-1);
}

/** What is exact: the same in every call. */
async function measureCosts(contenders) {
  const costs = {};
  for (const [name, contender] of Object.entries(contenders)) {
    costs[name] = {};
    for (const count of BATCHES) {
      const { usage, moduleBytes, moduleCount } = await callOnce(contender, count);
      costs[name][count] = { ...usage, moduleBytes, moduleCount };
    }
  }
  return costs;
}

/** Milliseconds by contender and batch, one call a round; `prepare` is called before each turn. */
async function measure(contenders, rounds, prepare) {
  const names = Object.keys(contenders);
  const times = Object.fromEntries(names.map((name) => [name, Object.fromEntries(BATCHES.map((count) => [count, []]))]));
  const random = seededRandom(ORDER_SEED);
  const turns = BATCHES.flatMap((count) => names.map((name) => ({ name, count })));
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const { name, count } of turns.map((turn) => ({ ...turn, place: random() })).sort((one, other) => one.place - other.place)) {
      prepare(contenders[name]);
      const call = await callOnce(contenders[name], count);
      if (round >= 0) times[name][count].push(takenApart(call));
    }
  }
  return { times, rounds };
}

/** A call's user time and its parts. Those are told by the clock, which goes on while others have the processor: their shares count. */
function takenApart({ userMs, totalMs, syscallMs, wasmMs, timings: { context, compile, evaluate } }) {
  const [contextMs, modulesMs, buildMs] = [context, compile + evaluate, wasmMs].map((ms) => (userMs * ms) / (totalMs - syscallMs));
  return { userMs, contextMs, modulesMs, wasmMs: buildMs };
}

const WASM_IN_HEX = /(["'`])(0061736d01000000[0-9a-f]+)\1/;
/** A custom section, in hex: its id, its length, a name of one letter, and four bytes that no other has. */
const customSection = (number) => `0006016e${number.toString(16).padStart(8, "0")}`;

/** Gives every module a source, and its wasm bytes, that V8 has not seen, and forgets the code that was kept of them. */
function makeNew(set, modules, number) {
  for (const [path, module] of modules) {
    const source = module.source.replace(WASM_IN_HEX, (_, quote, hex) => quote + hex + customSection(number) + quote);
    set.sources.set(path, { ...module, source: `${source}\n// ${number}` });
  }
  set.codeCache.clear();
}
