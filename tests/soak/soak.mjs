// A team for ten minutes, or an hour: 20 machines with three threads each, 200 readers, clients that send and decide, over networks that lose and cut, with hosts that
// are killed, clocks that jump, and the sweeps of Convex. `npm run soak`; what is checked and what is not claimed: docs/EVIDENCE.md. One seed decides what is random;
// how processes fall in with each other it does not. A violation is printed with its seed and moment, and makes the exit code 1.
//
//   --minutes 10   how long
//   --seed 1
//   --turns 8      turns a minute, as long as that is less than three quarters of a core
//   --machines 20  and ten readers for each
//   --json FILE    every minute's numbers
import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ConvexHttpClient } from "convex/browser";
import { createDeviceEntropy } from "../../dist/js-wrapper/client/index.js";
import { V8_FLAGS } from "../../tools/embedded-convex/run.mjs";
import { checkEnd, checkOutboxes } from "./end.mjs";
import { Machine } from "./machine.mjs";
import { Minutes } from "./minutes.mjs";
import { networkTo } from "./network.mjs";
import { People } from "./people.mjs";
import { PollingReader, startReaders } from "./reader.mjs";
import { flatness, MINUTE_MS, summaryOf } from "./report.mjs";
import { lookAtPresence, trouble } from "./troubles.mjs";
import { World } from "./world.mjs";

/** The same names in several tenants: what differs is whose they are. */
const USERS = ["acme/ann", "acme/bob", "globex/ann", "globex/cem", "initech/ann", "umbrella/dan"];
const THREADS_EACH = 3;
/** Processes that start at once would be a load that nothing afterwards is. */
const START_MS = 700;
/** What waits at the end has so long to arrive: a lease whose answer was lost lapses after a minute, a message after ten. */
const DRAIN_MS = 660_000;
const LOOK_MS = 5_000;
/** Looks one after the other that find nothing to wait for. */
const QUIET_LOOKS = 4;

const text = (value) => ({ type: "string", default: value });
const { values: flags } = parseArgs({ options: { minutes: text("10"), seed: text("1"), turns: text("8"), machines: text("20"), json: { type: "string" } } });
const [minutesLong, turnsAMinute, machineCount] = [flags.minutes, flags.turns, flags.machines].map(Number);

const world = new World(flags.seed);
const root = mkdtempSync(path.join(tmpdir(), "codex-soak-"));
console.log(`soak: seed ${flags.seed}, ${minutesLong} minutes, ${machineCount} machines, ${machineCount * THREADS_EACH} threads, ${machineCount * 10} readers, ${USERS.length} users, up to ${turnsAMinute} turns a minute`);

const users = USERS.map((name) => ({ name, tenantId: name.split("/")[0], userId: name.split("/")[1], machines: [], commands: [], pairs: [] }));
const convex = fork(path.join(import.meta.dirname, "convex.mjs"), [JSON.stringify(users)], { execArgv: [...V8_FLAGS, "--expose-gc"], serialization: "advanced" });
process.on("exit", () => {
  for (const { pid } of world.machines) if (pid !== undefined) process.kill(pid, "SIGKILL");
  convex.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
const { urls, askConvex } = await talkTo(convex);

const networks = [];
const networkOf = async (upstream, name) => {
  const made = await networkTo(upstream, world.chanceOf(`network ${name}`), world.lost);
  networks.push(made);
  return made;
};
for (const [at, user] of users.entries()) {
  const network = await networkOf(urls[at], user.name);
  const clients = [0, 1].map(() => new ConvexHttpClient(network.url, { logger: false }));
  world.users.push(Object.assign(user, { network, clients, upstream: urls[at] }));
}
for (let at = 0; at < machineCount; at++) {
  const user = users[at % users.length];
  const name = `m${at}`;
  // The same ids for every user's first machine, and so on: users and tenants tell them apart, nothing else.
  const threads = Array.from({ length: THREADS_EACH }, (_, thread) => `019a3b5c-0000-7000-8000-0000000${user.machines.length}000${thread}`);
  const { value } = await world.ask(user.clients[0], "mutation", "issueDeviceToken", { deviceId: name, entropy: createDeviceEntropy() });
  const network = await networkOf(user.upstream, name);
  const machine = new Machine({ name, user, threads, folder: path.join(root, name), token: value.token, network, onStrange: (what) => world.violated(what) });
  world.machines.push(machine);
  user.machines.push(machine);
  for (const threadId of threads) world.threads.push({ machine, user, threadId });
  machine.start();
  await sleep(START_MS);
}
for (const machine of world.machines) while (machine.readyAt === undefined) await sleep(200);
console.log(`${(world.ms / 1000).toFixed(0)} s: all machines are ready`);

/** What the end was checked against; none before. */
let evidence;
const people = new People(world);
const minutes = new Minutes(world, people, askConvex);
await startReaders(world);
await askConvex("minute");
const loops = [people.sendAll(turnsAMinute), trouble(world, people), lookAtPresence(world)];
for (const user of users) void people.decideAll(user);
while (world.ms < minutesLong * MINUTE_MS) {
  await sleep(Math.min(MINUTE_MS, Math.max(1_000, minutesLong * MINUTE_MS - world.ms)));
  await minutes.look();
  save();
}

console.log(`${(world.ms / 1000).toFixed(0)} s: nothing more is begun; what waits arrives`);
world.isDraining = true;
for (const { state } of networks) Object.assign(state, { isCalm: true, isDown: false });
await Promise.all(loops);
for (const machine of world.machines) machine.stepClock(0);
const busy = () => world.machines.filter(({ stands, readyAt }) => readyAt === undefined || stands?.phase !== "ready" || stands.behind > 0);
const drainEndsAt = world.ms + DRAIN_MS;
for (let quiet = 0; world.ms < drainEndsAt && quiet < QUIET_LOOKS; ) {
  await sleep(LOOK_MS);
  quiet = people.open.length === 0 && busy().length === 0 ? quiet + 1 : 0;
}
for (const { user, commandId, kind, state } of people.open) world.violated(`the command ${commandId} (${kind}) of ${user.name} is ${state} at the end`);
for (const { name, stands } of busy()) world.violated(`the machine ${name} is not at rest at the end: ${JSON.stringify(stands)}`);
await minutes.look();
for (const reader of world.readers) if (reader instanceof PollingReader) await reader.read();
world.isOver = true;
evidence = await checkEnd(world, askConvex);
for (const machine of world.machines) await machine.end("SIGTERM");
await checkOutboxes(world);
await Promise.all(world.readers.map((reader) => reader.close()));
for (const made of networks) made.close();

for (const wrong of flatness(minutes.all.slice(0, -1))) world.violated(wrong);
save();
console.log(summaryOf(told()));
const { violations } = world;
console.log(`${violations.length === 0 ? "no violation" : `${violations.length} violations`} in ${(world.ms / 1000).toFixed(0)} s, seed ${flags.seed}`);
process.exit(violations.length === 0 ? 0 : 1);

function told() {
  const { readers, seed, tally, lost, violations } = world;
  const windows = { ok: 0, rebased: 0, stale: 0 };
  for (const reader of readers) for (const name of Object.keys(windows)) windows[name] += reader.windows[name];
  return { seed, minutes: minutes.all, tally, lost, violations, evidence, windows, reads: readers.reduce((sum, { reads }) => sum + reads, 0) };
}

function save() {
  if (flags.json !== undefined) writeFileSync(flags.json, JSON.stringify(told()));
}

/** Waits until Convex serves. @returns the address of every user, and what asks it over IPC */
async function talkTo(child) {
  const asked = new Map();
  let questions = 0;
  const urls = await new Promise((served, failed) => {
    child.on("exit", (code) => {
      failed(new Error(`Convex ended with ${String(code)}`));
      for (const { failed } of asked.values()) failed(new Error(`Convex ended with ${String(code)}`));
    });
    child.on("message", (message) => {
      if (message.urls !== undefined) return served(message.urls);
      const { answered, failed } = asked.get(message.id);
      asked.delete(message.id);
      if (message.error === undefined) answered(message.value);
      else failed(new Error(message.error));
    });
  });
  const askConvex = (name, ...args) =>
    new Promise((answered, failed) => {
      asked.set(++questions, { answered, failed });
      child.send({ id: questions, name, args });
    });
  return { urls, askConvex };
}
