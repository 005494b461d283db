// What the plan of a batch of text takes where everything is compiled and warm: the core as wasm in this process, packed and unpacked, the same
// rules in plain JavaScript, and the core as a native program. In each round each of them has a turn with every batch.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import hex from "#wasm/bytes_ingest";
import * as wasm from "#wasm/ingest";
import { packIngest } from "../../dist/js-wrapper/core/boundary.js";
import { planIngest } from "../../dist/js-wrapper/core/ingest.js";
import { Instance } from "../../dist/js-wrapper/core/instance.js";
import { buildSteady, STEADY, writePacked } from "../core/native.mjs";
import { steadyCall } from "../core/steady-call.mjs";
import { BATCHES } from "./figures.mjs";
import { planPlainly } from "./plain-ingest.mjs";

const ROUNDS = 15;
const WARM_UP_ROUNDS = 3;
/** Events that a turn plans, in as many calls as that takes: long enough for a clock. */
const EVENTS_A_TURN = 4_000;
const CALLS_A_TURN_MAX = 400;
/** Times that a turn is planned natively, so that the start of the process, which falls out of a difference, is less than the work. */
const NATIVE_TURNS = 10;
/** Instances that a turn makes. */
const INSTANCES = 20;

/** Microseconds of a call by contender and batch, one a round; and of the first call of an instance, the making of it included. */
export function measureInNode() {
  buildSteady();
  const contenders = { codex: inThisProcess(planIngest), plain: inThisProcess(planPlainly), native: natively() };
  const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, Object.fromEntries(BATCHES.map((count) => [count, []]))]));
  for (const count of BATCHES) assert.deepEqual(planPlainly(steadyCall(count)), planIngest(steadyCall(count)));
  const batches = BATCHES.map((count) => ({ count, call: steadyCall(count), files: writePacked(packIngest(steadyCall(count)), `steady-${count}`) }));
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const batch of batches) {
      const calls = Math.min(CALLS_A_TURN_MAX, Math.ceil(EVENTS_A_TURN / batch.count));
      for (const [name, turn] of Object.entries(contenders)) {
        const micros = turn(batch, calls);
        if (round >= 0) times[name][batch.count].push(micros);
      }
    }
  }
  return { times, first: measureFirst(), rounds: ROUNDS };
}

/** What Convex does in every call: the bytes out of their module, a compiled module, an instance, one plan; beside the plain rules' plan. */
function measureFirst() {
  // The isolate has it; Node 20 has not.
  Uint8Array.fromHex ??= (text) => new Uint8Array(Buffer.from(text, "hex"));
  const contenders = { codex: inThisProcess((call) => new Instance(hex, wasm.initSync).askPacked(wasm.planIngest, packIngest(call))), plain: inThisProcess(planPlainly) };
  const times = { codex: [], plain: [] };
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [name, turn] of Object.entries(contenders)) {
      const micros = turn({ call: steadyCall(1) }, INSTANCES);
      if (round >= 0) times[name].push(micros);
    }
  }
  return times;
}

/** By the processor's time, which others do not take from. */
function inThisProcess(plan) {
  return ({ call }, calls) => {
    const start = process.cpuUsage();
    for (let at = 0; at < calls; at++) plan(call);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / calls;
  };
}

/** By the clock, for all there is to see is another process: the least of the runs so far with many calls, less the least with one. */
function natively() {
  const least = new Map();
  const leastOf = (times, files) => {
    const run = [times, files[0]].join(" ");
    least.set(run, Math.min(least.get(run) ?? Infinity, nativeMs(times, files)));
    return least.get(run);
  };
  return ({ files }, calls) => {
    const many = calls * NATIVE_TURNS;
    return ((leastOf(many, files) - leastOf(1, files)) * 1000) / (many - 1);
  };
}

function nativeMs(times, files) {
  const start = performance.now();
  const { status, stderr } = spawnSync(STEADY, [String(times), ...files], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${STEADY} failed:\n${stderr}`);
  return performance.now() - start;
}
