// What is looked at every minute: answers, streams, quarantine, what hosts tell of, memory, cost.
import { lineOf } from "./report.mjs";

/** What a call may be refused with here: what was lost is sent again, what two decide is decided once, what has ended is not there to end. */
const REFUSALS = {
  "chat:respondApprovalForHooks": ["E_APPROVAL_NOT_PENDING"],
  "chat:sendCommand": ["E_COMMAND_TARGET_GONE"],
  // What a killed host left open, and its next start ends, may have ended meanwhile; of any other, the host tells, which is a violation.
  "chat:resolvePendingServerRequestForHooks": ["E_REQUEST_NOT_PENDING"],
  "chat:reportCommand": ["E_COMMAND_LEASE_LOST", "E_COMMAND_EXPIRED"],
};
/** What a host may tell of at any time: its codex was killed, or its connection cut. */
const PROBLEMS = ["E_BRIDGE_PROCESS_EXITED", "E_APP_SERVER_GONE", "E_CONVEX_SUBSCRIPTION", "E_BRIDGE_PIPE_FAILED"];
/** And where its network was away some eight tries of the outbox long. */
const NETWORK_AWAY = /no answer$|the connection to Convex is down$/;
/** A start that had no answer for so long tells `E_CONVEX_UNREACHABLE` (`js-wrapper/runtime/codex-runtime.ts`), which is right where its network was away meanwhile. */
const UNREACHED_MS = 10_000;
/** Processor time of all processes, of one core, over which fewer turns are begun. */
const CPU_MAX = 0.7;
const SLOWNESS_MAX = 8;
/** A pause of Convex's process behind which it is too slow for what is asked of it, whoever has the processor: clients begin to ask again. */
const LAG_MAX_MS = 5_000;

export class Minutes {
  all = [];
  #world;
  #people;
  #askConvex;
  #cpu = process.cpuUsage();

  constructor(world, people, askConvex) {
    this.#world = world;
    this.#people = people;
    this.#askConvex = askConvex;
  }

  async look() {
    const world = this.#world;
    const told = await this.#askConvex("minute");
    await this.#check(told);
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#cpu = process.cpuUsage();
    globalThis.gc?.();
    const standing = world.machines.filter(({ isUp, stands }) => isUp && stands !== undefined);
    const rss = standing.map(({ stands }) => stands.rss);
    const at = world.ms;
    const minute = {
      ...told,
      at,
      ms: at - (this.all.at(-1)?.at ?? 0),
      hosts: { up: rss.length, rssMean: rss.reduce((sum, one) => sum + one, 0) / Math.max(1, rss.length), rssMax: Math.max(0, ...rss), cpuMs: world.machines.reduce((sum, machine) => sum + machine.takeCpuMs(), 0) },
      team: { rss: process.memoryUsage().rss, heap: process.memoryUsage().heapUsed, cpuMs: (user + system) / 1000 },
      outboxBytes: world.machines.reduce((sum, machine) => sum + machine.outboxBytes(), 0),
      behind: standing.reduce((sum, { stands }) => sum + stands.behind, 0),
    };
    this.all.push(minute);
    const share = (minute.cpuMs + minute.hosts.cpuMs + minute.team.cpuMs) / minute.ms;
    const people = this.#people;
    world.isStarved = minute.lagMs > LAG_MAX_MS;
    if (world.isStarved) people.slowness = Math.min(SLOWNESS_MAX, people.slowness * 1.5);
    else if (share > CPU_MAX) people.slowness = Math.min(SLOWNESS_MAX, people.slowness * 1.15);
    else if (share < CPU_MAX * 0.85) people.slowness = Math.max(1, people.slowness / 1.1);
    console.log(lineOf(this.all.length, minute, { share, slowness: people.slowness, violations: world.violations.length }));
  }

  async #check({ answers, failures, stored }) {
    const world = this.#world;
    for (const [name, { refused }] of Object.entries(answers)) {
      for (const [code, times] of Object.entries(refused)) {
        world.count(`answered ${name.replace("chat:", "")} ${code}`, times);
        if (!REFUSALS[name]?.includes(code)) world.violated(`${name} was refused ${times} times with ${code}`);
      }
    }
    for (const failure of failures) world.violated(`a sweep failed: ${failure}`);
    if (stored.quarantine.rows > 0) world.violated(`${stored.quarantine.rows} events are in the quarantine`);
    for (const { streamId, holes, latest, eventCount } of await this.#askConvex("rows", "streamHeads")) {
      if (holes.length > 0 || latest !== eventCount) world.violated(`the stream ${streamId} has ${eventCount} of ${latest} events, and holes ${JSON.stringify(holes)}`);
    }
    for (const machine of world.machines) {
      for (const problem of machine.problems.splice(0)) {
        const { code, message } = problem;
        world.count(`told by hosts: ${code}`);
        if (!isRight(problem)) world.violated(`${machine.name} tells of ${code}: ${message.slice(0, 300)}`);
      }
    }
  }
}

function isRight({ at, awayUntil, code, message }) {
  if (code === "E_OUTBOX_NOT_TAKEN") return NETWORK_AWAY.test(message);
  if (code === "E_CONVEX_UNREACHABLE") return awayUntil > at - UNREACHED_MS;
  return PROBLEMS.includes(code);
}
