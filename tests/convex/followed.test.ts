/** A page for who follows the streams, of messages and of what was thought: rows without what the streams hold of them, and together with it the same texts. */
import { describe, expect, test } from "vitest";
import { foldOverlay, mergeCodexMessages, overlayOf, type CodexOverlay } from "../../js-wrapper/mapping/index.js";
import { mergeCodexReasoning, tailsOfReasoning } from "../../js-wrapper/mapping/merge-reasoning.js";
import { seededRandom } from "../../tools/embedded-convex/random.mjs";
import { agentMessage, api, command, dump, ingest, ingestOk, OWNER, reasoning, startThread, STREAM, THREAD, TurnStream, type Component } from "./build.js";

const IN_THREAD = { actor: OWNER, threadId: THREAD };
const PAGE = { cursor: null, numItems: 20 };

const rowsOf = async (component: Component, followed: boolean) =>
  (await component.query(api.messages.listByThread, { ...IN_THREAD, paginationOpts: PAGE, ...(followed ? { followed } : {}) })).page;

/** A reader who stays, as the hook does. */
class Reader {
  #rows: Awaited<ReturnType<typeof rowsOf>> = [];
  #overlay: CodexOverlay | undefined;

  /** Reads rows, and streams to their end. */
  async read(component: Component): Promise<void> {
    this.#rows = await rowsOf(component, true);
    this.#overlay ??= overlayOf(this.#rows);
    for (let left = 50; left > 0; left -= 1) {
      const { cursors } = this.#overlay;
      const replay = await component.query(api.readers.replay, { ...IN_THREAD, streamCursorsById: [...cursors], snapshots: false, liveOnly: true });
      const next = foldOverlay(this.#overlay, cursors, { ...replay, kind: "deltas" }, this.#rows);
      if (next === this.#overlay) return;
      this.#overlay = next;
    }
    throw new Error("it never comes to rest");
  }

  get shown() {
    return mergeCodexMessages(this.#rows, this.#overlay ?? overlayOf([])).messages.map(({ messageId, text }) => [messageId, text]);
  }
}

/** What a fresh reader shows once it has read what it asks for, and how many answers that took. */
async function read(component: Component) {
  const rows = await rowsOf(component, true);
  let overlay: CodexOverlay = overlayOf(rows);
  const begun = overlay.cursors;
  let answers = 0;
  let runs = 0;
  for (let isNews = true; isNews; answers += 1) {
    const { cursors } = overlay;
    const replay = await component.query(api.readers.replay, { ...IN_THREAD, streamCursorsById: [...cursors], snapshots: false, liveOnly: true });
    runs += replay.texts.length;
    const next = foldOverlay(overlay, cursors, { ...replay, kind: "deltas" }, rows);
    isNews = next !== overlay;
    overlay = next;
  }
  const shown = mergeCodexMessages(rows, overlay).messages.map(({ messageId, text }) => [messageId, text]);
  return { shown, begun, answers, runs };
}

/** The same, of the list that has the texts itself. */
const said = async (component: Component) => (await rowsOf(component, false)).map(({ messageId, text }) => [messageId, text]).reverse();

describe("a message that streams", () => {
  test("ends where its stream is to be read on, and begins nowhere else", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("done", ["all of it"]), turn.itemStarted(agentMessage("m", ""))]);
    const start = turn.cursor - 1;
    await ingestOk(component, [turn.text("m", "Hel"), turn.text("m", "lo.")]);
    const [open, done] = await rowsOf(component, true);
    expect(open).toMatchObject({ messageId: "m", text: "", tail: { streamId: STREAM, cursor: start } });
    expect(done).toMatchObject({ messageId: "done", text: "all of it" });
    expect(done).not.toHaveProperty("tail");
    expect((await rowsOf(component, false))[0]).not.toHaveProperty("tail");
    const { shown, begun } = await read(component);
    expect(begun).toEqual([{ streamId: STREAM, cursor: start }]);
    expect(shown).toEqual([["done", "all of it"], ["m", "Hello."]]);
  });

  test("has all of its text where it has ended, or its stream has", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Hello.")]);
    await component.run(async (ctx) => {
      const stream = await ctx.db.query("streams").first();
      await ctx.db.patch("streams", stream!._id, { state: "finished" });
    });
    expect(await rowsOf(component, true)).toMatchObject([{ status: "streaming", text: "Hello." }]);
    await ingestOk(component, [turn.completed("interrupted")]);
    expect(await rowsOf(component, true)).toMatchObject([{ status: "interrupted", text: "Hello." }]);
  });

  test("is read from where it is folded, however much was said, and in the midst of a character", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    for (let at = 0; at < 300; at += 1) await ingestOk(component, [turn.text("m", `${at === 0 ? "" : "\ude00"}${at}, \ud83d`)]);
    const { foldCursor } = (await dump(component)).messages[0]!;
    expect(foldCursor).toBeGreaterThan(200);
    const { shown, begun, runs } = await read(component);
    expect(begun).toEqual([{ streamId: STREAM, cursor: foldCursor }]);
    expect(runs).toBeLessThan(100);
    // The last half waits for its other one.
    expect(shown).toEqual(await said(component));
    expect(shown[0]![1]).toContain("😀299, ");
  });

  test("of a command: its output is read from its beginning", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(command("c", "ls", "inProgress"))]);
    const start = turn.cursor - 1;
    for (const line of ["a\n", "b\n"]) await ingestOk(component, [turn.event("item/commandExecution/outputDelta", { itemId: "c", delta: line })]);
    expect((await rowsOf(component, true))[0]).toMatchObject({ tail: { streamId: STREAM, cursor: start } });
  });
});

describe("what is thought and goes on", () => {
  const listed = async (component: Component, followed: boolean) =>
    (await component.query(api.reasoning.listByThread, { ...IN_THREAD, paginationOpts: PAGE, ...(followed ? { followed } : {}) })).page;
  const grew = (turn: TurnStream, delta: string) => turn.event("item/reasoning/summaryTextDelta", { itemId: "r", delta, summaryIndex: 0 });

  test("ends where its stream is to be read on, from before its first word", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(reasoning("r", [], []))]);
    const start = turn.cursor - 1;
    const silent = await listed(component, true);
    expect(silent).toMatchObject([{ itemId: "r", text: "", status: "streaming", tail: { streamId: STREAM, cursor: start } }]);
    expect(await listed(component, false)).toEqual([]);
    await ingestOk(component, [grew(turn, "Hm"), grew(turn, ", yes")]);
    expect(await listed(component, true)).toEqual(silent);
    expect(await listed(component, false)).toMatchObject([{ text: "Hm, yes" }]);

    let overlay: CodexOverlay = overlayOf(tailsOfReasoning(silent));
    expect(overlay.cursors).toEqual([{ streamId: STREAM, cursor: start }]);
    const streamCursorsById = [...overlay.cursors];
    const replay = await component.query(api.readers.replay, { ...IN_THREAD, streamCursorsById, snapshots: false, liveOnly: true });
    overlay = foldOverlay(overlay, streamCursorsById, { ...replay, kind: "deltas" }, tailsOfReasoning(silent));
    expect(mergeCodexReasoning(silent, overlay).sections).toMatchObject([{ text: "Hm, yes" }]);
  });

  test("has all of its text where it has ended", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(reasoning("r", [], [])), grew(turn, "Hm")]);
    await ingestOk(component, [turn.itemCompleted(reasoning("r", ["Hm."], []))]);
    const page = await listed(component, true);
    expect(page).toMatchObject([{ text: "Hm.", status: "completed" }]);
    expect(page).toEqual(await listed(component, false));
  });
});

test("readers who stay while batches are lost and come late show what the list says", async () => {
  const below = seededRandom(64);
  const random = (count: number) => Math.floor(below() * count);
  const component = await startThread();
  const turn = new TurnStream();
  const names = ["m", "n"];
  await ingestOk(component, [turn.started(), ...names.map((name) => turn.itemStarted(agentMessage(name, "")))]);
  const late: ReturnType<TurnStream["text"]>[][] = [];
  const readers = [new Reader()];
  let filled = 0;
  for (let step = 0; step < 150; step += 1) {
    const batch = Array.from({ length: 1 + random(3) }, (_, at) => turn.text(names[random(2)]!, `${step}.${at} `.repeat(1 + random(step % 10 === 0 ? 2_000 : 4))));
    if (random(4) === 0) late.push(batch);
    else await ingest(component, batch);
    if (late.length > 0 && random(4) === 0) {
      await ingest(component, late.splice(random(late.length), 1)[0]!);
      filled += 1;
    }
    if (step % 40 === 0) readers.push(new Reader());
    for (const reader of readers) {
      if (random(3) > 0) continue;
      await reader.read(component);
      expect([step, ...reader.shown]).toEqual([step, ...(await said(component))]);
    }
  }
  expect(filled).toBeGreaterThan(20);
});

test("200 readers that come at random: each shows what the list says", async () => {
  const below = seededRandom(28);
  const random = (count: number) => Math.floor(below() * count);
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.started()]);
  const open: string[] = [];
  for (let step = 0; step < 200; step += 1) {
    const events = [];
    for (let n = random(4); n >= 0; n -= 1) {
      const id = open[random(open.length)];
      if (id === undefined || (open.length < 3 && random(12) === 0)) {
        open.push(`m${step}.${n}`);
        events.push(turn.itemStarted(agentMessage(open.at(-1)!, "")));
      } else if (random(60) === 0) {
        open.splice(open.indexOf(id), 1);
        events.push(turn.itemCompleted(agentMessage(id, "its own word")));
      } else events.push(turn.text(id, random(9) === 0 ? "\ud83d" : random(3) === 0 ? "\ude00" : `${step} `.repeat(1 + random(400))));
    }
    await ingestOk(component, events);
    const { shown } = await read(component);
    const ended = (text: string | undefined) => text?.replace(/[\ud800-\udfff\ufffd]+$/u, "");
    const asSaid = await said(component);
    expect(shown.map(([id, text]) => [id, ended(text)])).toEqual(asSaid.map(([id, text]) => [id, ended(text)]));
  }
});
