// What all parts of a soak share: its seed, its users and machines, what went wrong, and how a client calls.
import { setTimeout as sleep } from "node:timers/promises";
import { anyApi } from "convex/server";
import { seededRandom } from "../../tools/embedded-convex/random.mjs";
import { hashOf } from "./words.mjs";

/** Tries of a call whose requests or answers are lost. */
const TRIES_MAX = 200;
const TRY_MS = 300;
const TRY_MORE_MS = 100;
const VIOLATIONS_PRINTED = 100;

/** A choice of a list. */
export const pick = (chance, list) => list[Math.floor(chance() * list.length)];

export class World {
  users = [];
  machines = [];
  /** A thread of a machine each: `{machine, user, threadId}`. */
  threads = [];
  readers = [];
  violations = [];
  /** How often something happened that is worth telling. */
  tally = {};
  /** What the networks did. */
  lost = {};
  /** Nothing more is begun; what waits arrives. */
  isDraining = false;
  isOver = false;
  /** Convex had no time in the minute before: its machine is others'. What takes long then says nothing. */
  isStarved = false;
  #begunAt = Date.now();

  constructor(seed) {
    this.seed = seed;
  }

  /** Milliseconds since it began. */
  get ms() {
    return Date.now() - this.#begunAt;
  }

  get isGoing() {
    return !this.isDraining && !this.isOver;
  }

  /** A source of chance of its own, which the seed decides. */
  chanceOf(name) {
    return seededRandom(hashOf(`${this.seed} ${name}`));
  }

  violated(what) {
    this.violations.push(`seed ${this.seed}, ${(this.ms / 1000).toFixed(1)} s: ${what}`);
    if (this.violations.length <= VIOLATIONS_PRINTED) console.log(`VIOLATION ${this.violations.at(-1)}`);
  }

  count(what, by = 1) {
    this.tally[what] = (this.tally[what] ?? 0) + by;
  }

  /** Calls as a client does that tries again: what the network did is nobody's answer. @returns `{value}`, or the `{code}` of a refusal */
  async ask(client, kind, name, args) {
    for (let tries = 0; ; tries++) {
      try {
        return { value: await (kind === "query" ? client.query(anyApi.chat[name], args) : client.mutation(anyApi.chat[name], args, { skipQueue: true })) };
      } catch (error) {
        if (error.data?.code !== undefined) return { code: error.data.code };
        if (!(error instanceof TypeError) || tries > TRIES_MAX) {
          this.violated(`${name} failed: ${String(error.message)}`);
          return { code: "E_FAILED" };
        }
        this.count("calls of clients made again");
        await sleep(TRY_MS + TRY_MORE_MS * Math.min(tries, 20));
      }
    }
  }
}
