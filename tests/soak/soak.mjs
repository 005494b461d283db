// An hour of a team, or ten minutes: 20 machines with three threads each, 200 readers, clients that send and decide, over a network that loses and cuts, with hosts that are
// killed, clocks that jump, and the sweeps. `npm run soak`; options: --minutes 10, --seed 1, --turns 8 (a minute), --json FILE. What is checked and what is claimed:
// docs/EVIDENCE.md. A violation is printed with its moment, and makes the exit code 1.
import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { createDeviceEntropy } from "../../dist/js-wrapper/client/index.js";
import { shownSha256Of } from "../../dist/js-wrapper/mapping/index.js";
import { seededRandom } from "../../tools/embedded-convex/random.mjs";
import { V8_FLAGS } from "../../tools/embedded-convex/run.mjs";
import { checkEnd } from "./end.mjs";
import { Machine } from "./machine.mjs";
import { networkTo } from "./network.mjs";
import { LiveReader, PollingReader } from "./reader.mjs";
import { flatness, lineOf, MINUTE_MS, summaryOf } from "./report.mjs";
import { hashOf } from "./words.mjs";

const { values: flags } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string", default: "1" }, turns: { type: "string", default: "8" }, json: { type: "string" } },
});
const MINUTES = Number(flags.minutes);
const TURNS_A_MINUTE = Number(flags.turns);
/** The same names in several tenants: what differs is whose they are. */
const USERS = ["acme/ann", "acme/bob", "globex/ann", "globex/cem", "initech/ann", "umbrella/dan"].map((name) => {
  const [tenantId, userId] = name.split("/");
  return { name, tenantId, userId };
});
const MACHINES = 20;
const THREADS_EACH = 3;
const LIVE_READERS = 60;
/** Threads that live readers follow, several each. */
const LIVE_THREADS = 20;
const POLLING_READERS = 140;
/** Processor time of all processes, of one core, over which fewer turns are begun. */
const CPU_MAX = 0.7;
const DRAIN_MS = 240_000;
/** How long nothing may have happened to a machine, before what is said of its presence has to be true. */
const SETTLED_MS = 60_000;
/** PRESENCE_AWAY_MS of `src/limits.rs`, a beat and a half, and what a busy machine takes. */
const AWAY_MS = 100_000;
/** What a call may be refused with here: what was lost is sent again, what is decided by two is decided once, what has ended is not there to end. */
const REFUSALS = {
  "chat:respondApprovalForHooks": ["E_APPROVAL_NOT_PENDING"],
  "chat:sendCommand": ["E_COMMAND_TARGET_GONE"],
  "chat:reportCommand": ["E_COMMAND_LEASE_LOST", "E_COMMAND_EXPIRED"],
  // A host that starts anew: what the one before it began to send arrives behind it.
  "chat:ingestBatch": ["E_SYNC_SESSION_NOT_FOUND"],
  "chat:heartbeat": ["E_SYNC_SESSION_NOT_FOUND"],
};
/** What a host may tell of: its codex was killed, or its network was away. */
const PROBLEMS = ["E_BRIDGE_PROCESS_EXITED", "E_APP_SERVER_GONE", "E_CONVEX_SUBSCRIPTION", "E_BRIDGE_PIPE_FAILED"];

const begunAt = Date.now();
const sinceStart = () => `${((Date.now() - begunAt) / 1000).toFixed(1)} s`;
const violations = [];
function violated(what) {
  violations.push(`seed ${flags.seed}, ${sinceStart()}: ${what}`);
  if (violations.length <= 100) console.log(`VIOLATION ${violations.at(-1)}`);
}
const chanceOf = (name) => seededRandom(hashOf(`${flags.seed} ${name}`));
const pick = (chance, list) => list[Math.floor(chance() * list.length)];
const lost = {};
const tally = {};
const count = (what, by = 1) => (tally[what] = (tally[what] ?? 0) + by);

console.log(`soak: seed ${flags.seed}, ${MINUTES} minutes, ${MACHINES} machines, ${MACHINES * THREADS_EACH} threads, ${LIVE_READERS + POLLING_READERS} readers, ${USERS.length} users, up to ${TURNS_A_MINUTE} turns a minute`);
const root = mkdtempSync(path.join(tmpdir(), "codex-soak-"));

// ---- Convex
const convex = fork(path.join(import.meta.dirname, "convex.mjs"), [JSON.stringify(USERS)], { execArgv: [...V8_FLAGS, "--expose-gc"], serialization: "advanced" });
const asked = new Map();
const urls = await new Promise((told, failed) => {
  convex.on("exit", (code) => failed(new Error(`Convex ended with ${String(code)}`)));
  convex.on("message", (message) => {
    if (message.urls !== undefined) return told(message.urls);
    const one = asked.get(message.id);
    asked.delete(message.id);
    if (message.error !== undefined) one.failed(new Error(message.error));
    else one.told(message.value);
  });
});
let questions = 0;
const askConvex = (name, ...args) =>
  new Promise((told, failed) => {
    const id = ++questions;
    asked.set(id, { told, failed });
    convex.send({ id, name, args });
  });

// ---- the team
const networks = [];
const network = async (upstream, name) => {
  const made = await networkTo(upstream, chanceOf(`network ${name}`), lost);
  networks.push(made);
  return made;
};
/** Calls as a client does that tries again: what the network did is nobody's answer. */
async function ask(client, kind, name, args) {
  for (let tries = 0; ; tries++) {
    try {
      return { value: await (kind === "query" ? client.query(anyApi.chat[name], args) : client.mutation(anyApi.chat[name], args, { skipQueue: true })) };
    } catch (error) {
      if (error.data?.code !== undefined) return { code: error.data.code };
      if (!(error instanceof TypeError) || tries > 200) {
        violated(`${name} failed: ${String(error.message)}`);
        return { code: "E_FAILED" };
      }
      count("calls of clients made again");
      await sleep(300 + 100 * Math.min(tries, 20));
    }
  }
}
const users = await Promise.all(
  USERS.map(async (user, at) => {
    const net = await network(urls[at], user.name);
    return { ...user, at, network: net, clients: [0, 1].map(() => new ConvexHttpClient(net.url, { logger: false })), machines: [], commands: [], pairs: [], deciding: new Set() };
  }),
);
const machines = [];
for (let at = 0; at < MACHINES; at++) {
  const user = users[at % users.length];
  const of = Math.floor(at / users.length);
  const name = `m${at}`;
  // The same ids for every user's first machine, and so on: users and tenants tell them apart, nothing else.
  const threads = Array.from({ length: THREADS_EACH }, (_, thread) => `019a3b5c-0000-7000-8000-0000000${of}000${thread}`);
  const { value } = await ask(user.clients[0], "mutation", "issueDeviceToken", { deviceId: name, entropy: createDeviceEntropy() });
  const machine = new Machine({ name, user, threads, folder: path.join(root, name), token: value.token, network: await network(urls[user.at], name), onStrange: violated });
  machine.disturbedAt = Date.now();
  machines.push(machine);
  user.machines.push(machine);
}
const threads = machines.flatMap((machine) => machine.threads.map((threadId) => ({ machine, user: machine.user, threadId })));
let isOver = false;
let isDraining = false;
const untilDrain = () => !isDraining && !isOver;

let cleaned = false;
function cleanUp() {
  if (cleaned) return;
  cleaned = true;
  for (const machine of machines) if (machine.pid !== undefined) process.kill(machine.pid, "SIGKILL");
  convex.removeAllListeners("exit");
  convex.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
}
process.on("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

// One after the other: 40 processes that start at once would be a load that nothing afterwards is.
for (const machine of machines) {
  machine.start();
  await sleep(700);
}
for (const machine of machines) while (machine.readyAt === undefined) await sleep(200);
console.log(`${sinceStart()}: all machines are ready`);

// ---- readers
const chanceReaders = chanceOf("readers");
const liveThreads = Array.from({ length: LIVE_THREADS }, (_, at) => threads[at * 3 + (at % 3)]);
const readers = [];
const readerOf = (Kind, at, { machine, user, threadId }) => {
  const reader = new Kind({ url: user.network.url, machine: machine.name, threadId, onWrong: (what) => violated(`reader ${at} of ${user.name}: ${what}`) });
  reader.user = user;
  readers.push(reader);
  return reader;
};
for (let at = 0; at < LIVE_READERS; at++) {
  readerOf(LiveReader, at, liveThreads[at % LIVE_THREADS]).start();
  await sleep(50);
}
async function pollFor(reader, periodMs) {
  await sleep(chanceReaders() * periodMs);
  for (let reads = 1; untilDrain(); reads++) {
    await reader.read();
    if (reads % 6 === 0 && reader.user.machines.length === 3) await reader.readForeign(`019a3b5c-0000-7000-8000-00000003000${reads % 3}`);
    for (let waited = 0, ms = periodMs * (0.5 + chanceReaders()); waited < ms && untilDrain(); waited += 1_000) await sleep(1_000);
  }
}
for (let at = LIVE_READERS; at < LIVE_READERS + POLLING_READERS; at++) {
  const reader = readerOf(PollingReader, at, threads[at % threads.length]);
  // Two of five every minute or two, two of five rarely, one of five stops for minutes.
  const [fromMs, toMs] = [[60_000, 120_000], [60_000, 120_000], [120_000, 240_000], [120_000, 240_000], [300_000, 480_000]][at % 5];
  void pollFor(reader, fromMs + chanceReaders() * (toMs - fromMs));
}

// ---- those who send
const FINAL = ["accepted", "refused", "expired", "cancelled"];
let sent = 0;
let slowness = 1;
async function follow(command) {
  const { user } = command;
  while (!isOver) {
    await sleep(9_000);
    const { value } = await ask(user.clients[0], "query", "getCommand", { commandId: command.commandId });
    if (!value) {
      violated(`the command ${command.commandId} of ${user.name} is not there`);
      return;
    }
    if (FINAL.includes(command.state) && value.state !== command.state) violated(`the command ${command.commandId} was ${command.state}, and is ${value.state}`);
    Object.assign(command, { state: value.state, code: value.code, turnId: value.turnId ?? command.turnId });
    if (FINAL.includes(value.state) || value.state === "unknown") return;
  }
}
async function send(thread, kind, payload, about = {}) {
  const command = { ...thread, ...about, commandId: `c${++sent}`, kind, sentAt: Date.now(), state: "sent" };
  const { user, threadId, commandId } = command;
  const { code } = await ask(pick(chanceSend, user.clients), "mutation", "sendCommand", { threadId, commandId, kind, payloadJson: JSON.stringify(payload) });
  if (code !== undefined) return void count(`refused at once: ${kind} ${code}`);
  count(`sent: ${kind}`);
  user.commands.push(command);
  command.state = "queued";
  void follow(command);
  return command;
}
const chanceSend = chanceOf("send");
let keys = 0;
const sendTurn = (thread, more = "") => {
  const key = `k${++keys}`;
  const text = `${key}${chanceSend() < 0.35 ? " ask" : ""}${chanceSend() < 0.15 ? " hold" : ""}${more}`;
  return send(thread, "turn", { input: [{ type: "text", text }], clientTurnId: `wish-${key}` }, { key });
};
async function sendLoop() {
  while (untilDrain()) {
    await sleep((MINUTE_MS / TURNS_A_MINUTE) * slowness * (0.5 + chanceSend()));
    if (!untilDrain()) return;
    const thread = pick(chanceSend, threads);
    const what = chanceSend();
    if (what < 0.8) void sendTurn(thread);
    // Two people at once.
    else if (what < 0.88) void Promise.all([sendTurn(thread), sendTurn(thread)]);
    else {
      const command = await sendTurn(thread, " hold");
      void (async () => {
        for (let tries = 0; tries < 6 && command !== undefined && untilDrain(); tries++) {
          await sleep(5_000);
          if (command.state === "accepted" && command.turnId !== undefined) return void (await send(thread, "interrupt", { turnId: command.turnId }));
        }
      })();
    }
  }
}

// ---- those who decide
const chanceDecide = chanceOf("decide");
async function decide(user, approval) {
  const { threadId, turnId, itemId, payloadJson } = approval;
  const shownSha256 = await shownSha256Of(payloadJson);
  const wishes = chanceDecide() < 0.4 ? ["accepted", "declined"] : [chanceDecide() < 0.7 ? "accepted" : "declined"];
  const outcomes = await Promise.all(
    wishes.map(async (decision, at) => ({ decision, ...(await ask(user.clients[at], "mutation", "respondApprovalForHooks", { threadId, turnId, itemId, decision, shownSha256 })) })),
  );
  count("decisions", wishes.length);
  if (wishes.length < 2) return;
  count("pairs of deciders");
  const taken = outcomes.filter(({ code }) => code === undefined);
  if (taken.length > 1) return violated(`both ${wishes.join(" and ")} of ${itemId} of ${user.name} were taken`);
  const seen = await Promise.all(
    user.clients.map(async (client) => {
      const { value } = await ask(client, "query", "listDecidedRequestsForHooks", { threadId, paginationOpts: { cursor: null, numItems: 10 } });
      const row = value?.page.find((one) => one.itemId === itemId);
      return row && { decisionJson: row.decisionJson, decidedAt: row.decidedAt, decidedByDevice: row.decidedByDevice };
    }),
  );
  if (JSON.stringify(seen[0]) !== JSON.stringify(seen[1])) violated(`two deciders of ${itemId} of ${user.name} see ${JSON.stringify(seen)}`);
  user.pairs.push({ threadId, itemId, wishes: outcomes.map(({ decision, code }) => ({ decision, code })), seen: seen[0] });
}
async function decideLoop(user) {
  while (!isOver) {
    await sleep(isDraining ? 5_000 : 14_000);
    const { value } = await ask(user.clients[0], "query", "listPendingApprovalsForHooks", { paginationOpts: { cursor: null, numItems: 20 } });
    for (const approval of value?.page ?? []) {
      const id = `${approval.threadId} ${approval.itemId}`;
      // Some people take their time.
      if (user.deciding.has(id) || (!isDraining && chanceDecide() < 0.3)) continue;
      user.deciding.add(id);
      void decide(user, approval).finally(() => user.deciding.delete(id));
    }
  }
}

// ---- what goes wrong
const chanceFault = chanceOf("faults");
async function faultLoop() {
  while (untilDrain()) {
    await sleep(13_000 * (0.5 + chanceFault()));
    if (!untilDrain()) return;
    const machine = pick(chanceFault, machines);
    const what = chanceFault();
    const ms = chanceFault();
    machine.disturbedAt = Date.now();
    if (what < 0.25) {
      if (!machine.isUp) continue;
      const signal = chanceFault() < 0.7 ? "SIGKILL" : "SIGTERM";
      count(`hosts ended by ${signal}`);
      await machine.end(signal);
      // One in five stays away so long that everybody has to see it.
      void machine.restartAfter(chanceFault() < 0.2 ? 130_000 + 20_000 * ms : 500 + 9_000 * ms).then(() => (machine.disturbedAt = Date.now()));
    } else if (what < 0.35) {
      if (machine.readyAt === undefined) continue;
      count("codex killed");
      machine.killCodex();
    } else if (what < 0.5) {
      machine.network.down(2_000 + 40_000 * ms ** 3);
      machine.disturbedAt += 42_000;
    } else if (what < 0.6) {
      machine.network.stall(2_000 + 18_000 * ms);
      machine.disturbedAt += 20_000;
    } else if (what < 0.7) {
      machine.network.cut();
      count("connections of a machine cut");
    } else if (what < 0.78) pick(chanceFault, users).network.cut();
    else if (what < 0.83) pick(chanceFault, users).network.down(1_000 + 10_000 * ms);
    else {
      const hours = chanceFault() < 0.2 ? 24 : 3;
      machine.stepClock(chanceFault() < 0.25 ? 0 : Math.round((ms - 0.5) * 2 * hours * 60 * MINUTE_MS));
      count("clock steps");
    }
  }
}

// ---- what everybody has to see of machines
const chancePresence = chanceOf("presence");
async function presenceLoop() {
  while (untilDrain()) {
    await sleep(16_000);
    const gone = machines.filter(({ downSince }) => downSince !== undefined && Date.now() - downSince > AWAY_MS);
    const machine = gone.length > 0 && chancePresence() < 0.6 ? pick(chancePresence, gone) : pick(chancePresence, machines);
    const wasQuiet = () => machine.isUp && machine.readyAt !== undefined && Date.now() - Math.max(machine.readyAt, machine.disturbedAt, machine.deaths.at(-1) ?? 0) > SETTLED_MS;
    const [isGone, isQuiet] = [gone.includes(machine), wasQuiet()];
    const { value } = await ask(machine.user.clients[1], "query", "getPresence", { threadId: machine.threads[0] });
    if (isGone && machine.downSince !== undefined) {
      count("presence looked at: gone");
      if (value.machine !== "away" && value.bridge !== "stopped") violated(`${machine.name} is gone since ${Math.round((Date.now() - machine.downSince) / 1000)} s (${machine.endedBy}), and is said to be ${JSON.stringify(value)}`);
    } else if (isQuiet && wasQuiet()) {
      count("presence looked at: there");
      if (value.machine !== "here" || value.bridge !== "up" || value.codex !== "up" || value.thread !== "here") violated(`${machine.name} is there, and is said to be ${JSON.stringify(value)}`);
    }
  }
}

// ---- the minutes
const minutes = [];
let parentCpu = process.cpuUsage();
async function lookAtMinute() {
  const told = await askConvex("minute");
  for (const [name, { refused }] of Object.entries(told.answers)) {
    for (const [code, times] of Object.entries(refused)) {
      count(`answered ${name.replace("chat:", "")} ${code}`, times);
      if (!REFUSALS[name]?.includes(code)) violated(`${name} was refused ${times} times with ${code}`);
    }
  }
  for (const failure of told.failures) violated(`a sweep failed: ${failure}`);
  if (told.stored.quarantine.rows > 0) violated(`${told.stored.quarantine.rows} events are in the quarantine`);
  for (const { streamId, holes, latest, eventCount } of await askConvex("rows", "streamHeads")) {
    if (holes.length > 0 || latest !== eventCount) violated(`the stream ${streamId} has ${eventCount} of ${latest} events, and holes ${JSON.stringify(holes)}`);
  }
  let hostCpuMs = 0;
  for (const machine of machines) {
    hostCpuMs += machine.takeCpuMs();
    for (const { code, message } of machine.problems.splice(0)) {
      count(`told by hosts: ${code}`);
      if (!PROBLEMS.includes(code)) violated(`${machine.name} tells of ${code}: ${message.slice(0, 300)}`);
    }
  }
  const { user, system } = process.cpuUsage(parentCpu);
  parentCpu = process.cpuUsage();
  globalThis.gc?.();
  const rss = machines.filter(({ isUp, stands }) => isUp && stands !== undefined).map(({ stands }) => stands.rss);
  const before = minutes.at(-1);
  const minute = {
    ...told,
    at: Date.now() - begunAt,
    ms: Date.now() - (before === undefined ? begunAt : begunAt + before.at),
    hosts: { up: rss.length, rssMean: rss.reduce((sum, one) => sum + one, 0) / Math.max(1, rss.length), rssMax: Math.max(0, ...rss), cpuMs: hostCpuMs },
    team: { rss: process.memoryUsage().rss, heap: process.memoryUsage().heapUsed, cpuMs: (user + system) / 1000 },
    outboxBytes: machines.reduce((sum, machine) => sum + machine.outboxBytes(), 0),
    behind: machines.reduce((sum, { stands }) => sum + (stands?.behind ?? 0), 0),
  };
  minutes.push(minute);
  const share = (minute.cpuMs + hostCpuMs + minute.team.cpuMs) / minute.ms;
  if (share > CPU_MAX) slowness = Math.min(4, slowness * 1.15);
  else if (share < CPU_MAX * 0.85) slowness = Math.max(1, slowness / 1.1);
  console.log(lineOf(minutes.length, minute, { share, slowness, violations: violations.length }));
}
const windowsRead = () => readers.reduce((all, { windows }) => ({ ok: all.ok + windows.ok, rebased: all.rebased + windows.rebased, stale: all.stale + windows.stale }), { ok: 0, rebased: 0, stale: 0 });
let evidence;
const state = () => ({ seed: flags.seed, minutes, tally, lost, violations, evidence, windows: windowsRead(), reads: readers.reduce((sum, { reads }) => sum + reads, 0) });
const save = () => flags.json && writeFileSync(flags.json, JSON.stringify(state()));

await askConvex("minute");
const loops = [sendLoop(), faultLoop(), presenceLoop()];
for (const user of users) void decideLoop(user);
const endsAt = begunAt + MINUTES * MINUTE_MS;
while (Date.now() < endsAt) {
  await sleep(Math.min(MINUTE_MS, Math.max(1_000, endsAt - Date.now())));
  await lookAtMinute();
  save();
}

// ---- the end: everything that waits arrives
console.log(`${sinceStart()}: nothing more is asked; what waits is let arrive`);
isDraining = true;
for (const { state: net } of networks) Object.assign(net, { isCalm: true, isDown: false });
await Promise.all(loops);
for (const machine of machines) machine.stepClock(0);
const open = () => users.flatMap(({ commands }) => commands).filter(({ state }) => !FINAL.includes(state) && state !== "unknown");
const running = () => machines.filter((machine) => machine.stands === undefined || machine.stands.phase !== "ready" || machine.stands.behind > 0 || machine.readyAt === undefined);
const drainEndsAt = Date.now() + DRAIN_MS;
let quiet = 0;
while (Date.now() < drainEndsAt && quiet < 4) {
  await sleep(5_000);
  quiet = open().length === 0 && running().length === 0 ? quiet + 1 : 0;
}
for (const { user, commandId, kind, state } of open()) violated(`the command ${commandId} (${kind}) of ${user.name} is ${state} at the end`);
for (const { name, stands } of running()) violated(`the machine ${name} is not at rest at the end: ${JSON.stringify(stands)}`);
await lookAtMinute();
for (const reader of readers) if (reader instanceof PollingReader) await reader.read();
isOver = true;
evidence = await checkEnd({ users, machines, threads, readers, askConvex, ask, violated, count });
for (const machine of machines) await machine.end("SIGTERM");
await Promise.all(readers.map((reader) => reader.close()));
for (const made of networks) made.close();

for (const wrong of flatness(minutes.slice(0, -1))) violated(wrong);
save();
console.log(summaryOf(state()));
console.log(violations.length === 0 ? `no violation in ${sinceStart()}, seed ${flags.seed}` : `${violations.length} violations, seed ${flags.seed}`);
process.exit(violations.length === 0 ? 0 : 1);
