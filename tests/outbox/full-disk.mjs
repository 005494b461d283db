// A host process whose disk is full for a while, in the midst of a write: a limit on the size of its files stands for it. It is killed
// when all that it appended is written. Nothing is sent: Convex is away.
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { Outbox } from "../../dist/js-wrapper/outbox/index.js";
import { eventsOf } from "./story.mjs";

const [folder, countText] = process.argv.slice(2);
/** Of three threads, in turn. */
const events = [...eventsOf(Number(countText))];
/** Bytes that the disk takes beside what it has: less than what is written next, which is torn. */
const ROOM_BYTES = 1_234;
const third = Math.floor(events.length / 3);
/** What a process meets whose file reaches its limit; without a listener it dies of it. */
process.on("SIGXFSZ", () => undefined);

const limit = (bytes) => execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${String(bytes)}:unlimited`]);
const logBytes = () => Math.max(...readdirSync(folder).filter((name) => name.endsWith(".log")).map((name) => statSync(path.join(folder, name)).size));
let hear;
const crowded = (which) => new Promise((heard) => (hear = (isCrowded) => isCrowded === which && heard()));

const outbox = await Outbox.open({
  folder,
  onError: ({ code }) => console.log(code),
  onCrowded: (isCrowded) => hear?.(isCrowded),
  deliver: async () => ({ type: "again", reason: "away" }),
});
const append = async (some) => {
  for (const event of some) outbox.append(event);
  await outbox.flush(1);
};
await append(events.slice(0, third));
limit(logBytes() + ROOM_BYTES);
const isFull = crowded(true);
await append(events.slice(third, 2 * third));
await isFull;
const hasRoom = crowded(false);
limit("unlimited");
await hasRoom;
await append(events.slice(2 * third));
process.kill(process.pid, "SIGKILL");
