// What goes wrong with machines and networks, and what everybody has to see of it.
import { setTimeout as sleep } from "node:timers/promises";
import { MINUTE_MS } from "./report.mjs";
import { pick } from "./world.mjs";

/** Milliseconds from one trouble to the next, about. */
const TROUBLE_MS = 13_000;
const LOOK_MS = 16_000;
/** How long nothing may have happened to a machine, before what is said of its presence has to be true. */
const SETTLED_MS = 60_000;
/** PRESENCE_AWAY_MS of `src/limits.rs`, a beat and a half, and what a busy machine takes. */
const AWAY_MS = 100_000;

/** Troubles a team of so many machines as 20 have, one after the other; fewer where fewer turns are begun, for what they cost is part of what an event costs. */
export async function trouble(world, people) {
  const chance = world.chanceOf("faults");
  const { machines, users } = world;
  for (;;) {
    await sleep(((TROUBLE_MS * 20) / machines.length) * people.slowness * (0.5 + chance()));
    if (!world.isGoing) return;
    const machine = pick(chance, machines);
    const what = chance();
    const size = chance();
    machine.disturbedAt = Date.now();
    if (what < 0.25) await endHost(world, machine, chance, size);
    else if (what < 0.35) {
      if (machine.readyAt === undefined) continue;
      world.count("codex killed");
      machine.killCodex();
    } else if (what < 0.5) {
      machine.network.down(2_000 + 40_000 * size ** 3);
      machine.disturbedAt += 42_000;
    } else if (what < 0.6) {
      machine.network.stall(2_000 + 18_000 * size);
      machine.disturbedAt += 20_000;
    } else if (what < 0.7) {
      machine.network.cut();
      world.count("connections of a machine cut");
    } else if (what < 0.78) pick(chance, users).network.cut();
    else if (what < 0.83) pick(chance, users).network.down(1_000 + 10_000 * size);
    else {
      const hours = chance() < 0.2 ? 24 : 3;
      machine.stepClock(chance() < 0.25 ? 0 : Math.round((size - 0.5) * 2 * hours * 60 * MINUTE_MS));
      world.count("clock steps");
    }
  }
}

async function endHost(world, machine, chance, size) {
  if (!machine.isUp) return;
  const signal = chance() < 0.7 ? "SIGKILL" : "SIGTERM";
  world.count(`hosts ended by ${signal}`);
  await machine.end(signal);
  // One in five stays away so long that everybody has to see it.
  const ms = chance() < 0.2 ? 160_000 + 20_000 * size : 500 + 9_000 * size;
  void machine.startAfter(ms).then(() => (machine.disturbedAt = Date.now()));
}

/** Looks at what is said of machines: that one is there, while nothing happens to it; that it is away, while it is. */
export async function lookAtPresence(world) {
  const chance = world.chanceOf("presence");
  const { machines } = world;
  for (;;) {
    await sleep(LOOK_MS);
    if (!world.isGoing) return;
    if (world.isStarved) {
      world.count("presence not looked at");
      continue;
    }
    const isGone = ({ downSince }) => downSince !== undefined && Date.now() - downSince > AWAY_MS;
    const isQuiet = ({ readyAt, disturbedAt, deaths }) => readyAt !== undefined && Date.now() - Math.max(readyAt, disturbedAt, deaths.at(-1) ?? 0) > SETTLED_MS;
    const gone = machines.filter(isGone);
    const machine = pick(chance, gone.length > 0 ? gone : machines);
    const [wasGone, wasQuiet] = [isGone(machine), isQuiet(machine)];
    const { value } = await world.ask(machine.user.clients[1], "query", "getPresence", { threadId: machine.threads[0] });
    if (wasGone && isGone(machine)) {
      world.count("presence looked at: gone");
      // Where no machine has the thread, another one of the user's may be told of.
      if (value.machine === "here" && value.thread === "here" && value.bridge !== "stopped") world.violated(`${machine.name} is gone since ${Math.round((Date.now() - machine.downSince) / 1000)} s (${machine.endedBy}), and is said to be ${JSON.stringify(value)}`);
    } else if (wasQuiet && isQuiet(machine)) {
      world.count("presence looked at: there");
      if (value.machine !== "here" || value.bridge !== "up" || value.codex !== "up" || value.thread !== "here") world.violated(`${machine.name} is there, and is said to be ${JSON.stringify(value)}`);
    }
  }
}
