// A reader of a thread, as a page is one: durable rows with the live text laid over them, either followed as the hooks do it or asked for now and then.
// Whatever it shows has to be the beginning of what codex said, and only to grow.
import { setTimeout as sleep } from "node:timers/promises";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { EMPTY_OVERLAY, foldOverlay, mergeCodexMessages, overlayOf } from "../../dist/js-wrapper/mapping/index.js";
import { textOf } from "./words.mjs";

/** Messages that a reader shows. */
export const PAGE = 20;
const NEWEST = { cursor: null, numItems: PAGE };
const NO_ROWS = { cursor: null, numItems: 0 };
/** Of ten readers of a machine: those with a subscription, several to a thread. */
const LIVE_EACH = 3;
const POLLING_EACH = 7;
/** Milliseconds between two readings, from and to: two of five every minute or two, two of five rarely, one of five stops for minutes. */
const PERIODS_MS = [[60_000, 120_000], [60_000, 120_000], [120_000, 240_000], [120_000, 240_000], [300_000, 480_000]];
/** Readings to one of a thread of somebody else's. */
const FOREIGN_EVERY = 6;
const QUERY = anyApi.chat.listThreadMessagesForHooks;
const REPLACEMENT = "\uFFFD";

/** What a shown text of an item may be: the whole once it is complete, else a beginning, behind which half of a character waits. */
export function wrongText(machine, { messageId, text, status, output, sourceItemType }) {
  const whole = textOf(machine, messageId);
  const isBeginning = (shown) => whole.startsWith(shown.endsWith(REPLACEMENT) ? shown.slice(0, -1) : shown);
  if (sourceItemType === "agentMessage") {
    if (!isBeginning(text)) return `is not what codex said: ${JSON.stringify(text.slice(-80))}`;
    if (status === "completed" && text !== whole) return `is complete and lacks ${whole.length - text.length} of ${whole.length} units`;
  }
  if (sourceItemType === "commandExecution" && output !== undefined && !isBeginning(output)) return "has another output than codex said";
  return undefined;
}

export class Reader {
  windows = { ok: 0, rebased: 0, stale: 0 };
  reads = 0;
  shown = [];
  #overlay = EMPTY_OVERLAY;
  #merged;
  #rows;
  /** By message: how much was shown of it, and whether it had ended. */
  #seen = new Map();

  constructor({ url, machine, threadId, onWrong }) {
    Object.assign(this, { url, machine, threadId, onWrong });
  }

  get cursors() {
    return this.#overlay.cursors.map((cursor) => ({ ...cursor }));
  }

  /** Takes rows. */
  takeRows(rows) {
    if (this.#rows === undefined) this.#overlay = overlayOf(rows);
    this.#rows = rows;
  }

  /** Takes an answer about streams to `asked`. @returns whether its cursors moved */
  takeStreams(asked, streams) {
    const before = this.#overlay;
    this.#overlay = foldOverlay(before, asked, streams ?? null, this.#rows);
    return this.#overlay !== before;
  }

  show() {
    this.#merged = mergeCodexMessages(this.#rows, this.#overlay, this.#merged);
    this.shown = this.#merged.messages;
    this.#check();
  }

  /** An answer about streams came from the server. */
  count(streams) {
    this.reads += 1;
    for (const { status } of streams?.streamWindows ?? []) this.windows[status] += 1;
  }

  #check() {
    const seen = new Map();
    for (const message of this.shown) {
      const wrong = wrongText(this.machine, message);
      if (wrong !== undefined) this.onWrong(`${message.messageId} (${message.status}) ${wrong}`);
      const was = this.#seen.get(message._id);
      const units = message.text.endsWith(REPLACEMENT) ? message.text.length - 1 : message.text.length;
      if (was !== undefined && units < was.units) this.onWrong(`${message.messageId} (${was.status}, then ${message.status}) went back from ${was.units} to ${units} units`);
      if (was !== undefined && was.status !== "streaming" && message.status === "streaming") this.onWrong(`${message.messageId} had ended, and is being written again`);
      seen.set(message._id, { units, status: message.status });
    }
    this.#seen = seen;
  }
}

/** A reader that asks now and then, over HTTP. */
export class PollingReader extends Reader {
  #client;

  constructor(options) {
    super(options);
    this.#client = new ConvexHttpClient(options.url, { logger: false });
  }

  async read() {
    const { threadId, cursors } = this;
    let answer;
    try {
      answer = await this.#client.query(QUERY, { threadId, paginationOpts: NEWEST, streamArgs: { kind: "deltas", cursors } });
    } catch (error) {
      // What the network did is read the next time.
      if (error instanceof TypeError) return;
      this.onWrong(`was refused: ${String(error.message)}`);
      return;
    }
    this.count(answer.streams);
    this.takeRows(answer.page);
    this.takeStreams(cursors, answer.streams);
    this.show();
  }

  /** Asks for a thread that is not its user's. */
  async readForeign(threadId) {
    try {
      const { page } = await this.#client.query(QUERY, { threadId, paginationOpts: NEWEST });
      if (page.length > 0) this.onWrong(`reads ${page.length} messages of ${threadId}, which is not its user's`);
    } catch (error) {
      if (!(error instanceof TypeError)) this.onWrong(`asks for a thread of another: ${String(error.message)}`);
    }
  }

  close() {}
}

/** A reader who follows, as `useCodexMessages` does: rows without what the streams hold of them, and the streams from where it has read them. */
export class LiveReader extends Reader {
  #client;
  #endRows = () => undefined;
  #endStreams;
  /** The last answer about streams, and the cursors that it was asked with: it is folded again where the rows are others. */
  #last;

  start() {
    this.#client = new ConvexClient(this.url, { logger: false });
    this.#endRows = this.#follow({ paginationOpts: NEWEST, streamArgs: { kind: "followed" } }, ({ page }) => {
      this.takeRows(page);
      this.#fold();
    });
  }

  #follow(args, take) {
    return this.#client.onUpdate(QUERY, { threadId: this.threadId, ...args }, take, (error) => this.onWrong(`its subscription failed: ${String(error.message)}`));
  }

  /** Folds what is known of the streams, and reads them on where it has got to. */
  #fold() {
    const isMoved = this.#last !== undefined && this.takeStreams(this.#last.asked, this.#last.streams);
    this.show();
    if (this.#endStreams === undefined || isMoved) this.#readOn();
  }

  #readOn() {
    const asked = this.cursors;
    const before = this.#endStreams;
    let isOver = false;
    const end = this.#follow({ paginationOpts: NO_ROWS, streamArgs: { kind: "deltas", cursors: asked } }, ({ streams }) => {
      if (isOver) return;
      this.count(streams);
      this.#last = { asked, streams };
      this.#fold();
    });
    this.#endStreams = () => {
      isOver = true;
      // Once this call is over.
      queueMicrotask(end);
    };
    before?.();
  }

  async close() {
    this.#endRows();
    this.#endStreams?.();
    await this.#client?.close();
  }
}

/** Starts ten readers for each machine. */
export async function startReaders(world) {
  const { machines, threads, readers } = world;
  const chance = world.chanceOf("readers");
  const readerOf = (Kind, { machine, user, threadId }) => {
    const name = `reader ${readers.length} of ${user.name}`;
    const reader = new Kind({ url: user.network.url, machine: machine.name, threadId, onWrong: (what) => world.violated(`${name}: ${what}`) });
    readers.push(Object.assign(reader, { user, name }));
    return reader;
  };
  // All of a machine's follow one of its threads.
  for (let at = 0; at < LIVE_EACH * machines.length; at++) {
    const machine = at % machines.length;
    readerOf(LiveReader, threads.filter((thread) => thread.machine === machines[machine])[machine % 3]).start();
    await sleep(50);
  }
  for (let at = 0; at < POLLING_EACH * machines.length; at++) {
    const [from, to] = PERIODS_MS[at % PERIODS_MS.length];
    void readOn(world, chance, readerOf(PollingReader, threads[at % threads.length]), from + chance() * (to - from));
  }
}

async function readOn(world, chance, reader, periodMs) {
  // The next machine of its user would have it: others have one of that name.
  const foreign = `019a3b5c-0000-7000-8000-0000000${reader.user.machines.length}0000`;
  for (let reads = 0; world.isGoing; reads++) {
    for (let leftMs = periodMs * (reads === 0 ? chance() : 0.5 + chance()); leftMs > 0 && world.isGoing; leftMs -= 1_000) await sleep(1_000);
    await reader.read();
    if (reads % FOREIGN_EVERY === FOREIGN_EVERY - 1) await reader.readForeign(foreign);
  }
}
