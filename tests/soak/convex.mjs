// The Convex of a soak: the pushed app on 127.0.0.1, a deployment's address for every user, and what its parent asks of it over IPC.
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getDocumentSize } from "convex/values";
import crons from "../../dist/component/crons.js";
import { Backend, pushApp, serve } from "../../tools/embedded-convex/index.mjs";

const COMPONENT = "codexLocal";
/** Sweeps of a deployment run every minute to every six hours; here at least so often. */
const SWEEP_MS_MAX = 120_000;

const users = JSON.parse(process.argv[2]);
const push = await pushApp(path.join(import.meta.dirname, "host.app"), {});
const backend = new Backend(push, { footprints: true });
const servers = [];
for (const { tenantId, userId } of users) {
  const issuer = "https://id.test";
  servers.push(await serve(push, { backend, identity: { issuer, subject: userId, tokenIdentifier: `${issuer}|${tenantId}|${userId}`, org: tenantId, sid: "web" } }));
}

/** What was answered since it was asked last: by function calls, refusals by code; and events in batches. */
let answers = {};
let events = 0;
const run = backend.run.bind(backend);
/** One call after the other, as they are done anyhow, and between two of them whoever connects or says something: a chain of calls alone would let nobody in. */
let turn = Promise.resolve();
backend.run = async (name, args, identity) => {
  const mine = turn.then(() => new Promise((next) => setImmediate(next))).then(() => run(name, args, identity));
  turn = mine;
  const answer = await mine;
  const codes = answer.ok ? (answer.value?.errors ?? []).map((error) => error.errorCode ?? error.code) : [answer.error?.data?.code ?? `threw: ${answer.error?.message}`];
  const one = (answers[name] ??= { calls: 0, refused: {} });
  one.calls += 1;
  for (const code of codes) one.refused[code] = (one.refused[code] ?? 0) + 1;
  if (name === "chat:ingestBatch" && answer.ok) events += args.deltas.length;
  return answer;
};

const failures = [];
const sweeps = Object.values(crons.crons).map(({ name, schedule }) => {
  const ms = ((schedule.hours ?? 0) * 60 + (schedule.minutes ?? 0)) * 60_000;
  const sweep = () => backend.t.fun({ componentPath: COMPONENT, udfPath: name }, {}).catch((error) => failures.push(`${name}: ${error.message}`));
  return setInterval(() => void sweep(), Math.min(ms, SWEEP_MS_MAX));
});

let over;
const newMeasure = () => backend.measure(() => new Promise((resolve) => (over = resolve)));
let measured = newMeasure();
let cpu = process.cpuUsage();
const lag = monitorEventLoopDelay();
lag.enable();

const tables = Object.keys(push.components.get(push.app.childComponents[COMPONENT].definitionPath).schemaObject.tables);
const rowsOf = (table) => backend.t.runInComponent(COMPONENT, (ctx) => ctx.db.query(table).collect());

const ASKED = {
  /** What happened since it was asked last, what is stored, and what memory that takes. */
  minute: async () => {
    over();
    const { byFunction } = await measured;
    measured = newMeasure();
    const stored = {};
    for (const table of tables) {
      const rows = await rowsOf(table);
      stored[table] = { rows: rows.length, bytes: rows.reduce((sum, row) => sum + getDocumentSize(row), 0) };
    }
    // Records of calls are for tests.
    backend.calls.length = 0;
    globalThis.gc?.();
    const { user, system } = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    const told = { byFunction, answers, events, stored, failures: failures.splice(0), rss: process.memoryUsage().rss, heap: process.memoryUsage().heapUsed, cpuMs: (user + system) / 1000, lagMs: lag.max / 1e6 };
    lag.reset();
    answers = {};
    events = 0;
    return told;
  },
  rows: rowsOf,
  end: () => {
    for (const sweep of sweeps) clearInterval(sweep);
    setImmediate(() => process.exit(0));
  },
};
process.on("message", async ({ id, name, args }) => {
  try {
    process.send({ id, value: await ASKED[name](...args) });
  } catch (error) {
    process.send({ id, error: String(error?.stack ?? error) });
  }
});
process.on("disconnect", () => process.exit(1));
process.send({ urls: servers.map(({ url }) => url) });
