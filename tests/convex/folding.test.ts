/** Long texts while they are written: what is shown, what is stored, what is read for it. */
import { expect, test } from "vitest";
import { agentMessage, api, dump, ingest, ingestOk, messagesOf, OWNER, startComponent, startThread, SESSION, textsOf, THREAD, TurnStream, type Component } from "./build.js";

const KiB = 1024;
const PART = 64 * KiB;
const SHOWN = 256 * KiB;
/** Chunks behind a fold that make the next one due, and the two that the fold's own batch and the item's beginning are. */
const TAIL_CHUNKS_MAX = 130;

const partsOf = async (component: Component) =>
  (await dump(component)).parts.filter(({ kind }) => kind === "text").sort((one, other) => one.part - other.part).map(({ text }) => text);

/** Small deltas of which none is like another: a KiB of them in a batch. */
function* batches(turn: TurnStream, count: number) {
  for (let at = 0; at < count; at++) {
    yield Array.from({ length: 16 }, (_, piece) => turn.text("m", `${String(at * 16 + piece).padStart(8, "0")}${"é".repeat(28)}`));
  }
}
const textOf = (events: { payloadJson: string }[]) =>
  events.map(({ payloadJson }) => (JSON.parse(payloadJson) as { params: { delta: string } }).params.delta).join("");
const bytesOf = (text: string) => new TextEncoder().encode(text).length;

test("a message of 600 KB in small deltas is shown as far as a list shows it, says how long it is, and is stored in parts", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
  let text = "";
  let sent = 0;
  for (const batch of batches(turn, 600)) {
    text += textOf(batch);
    await ingestOk(component, batch);
    sent += 1;
    if (sent % 150 !== 0) continue;
    const [shown] = await messagesOf(component);
    const bytes = bytesOf(text);
    expect(bytesOf(shown!.text)).toBeLessThanOrEqual(SHOWN);
    expect(text.startsWith(shown!.text)).toBe(true);
    expect([shown!.textTruncated, shown!.textBytes]).toEqual(bytes > SHOWN ? [true, bytes] : [undefined, undefined]);
    if (bytes <= SHOWN) expect(shown!.text).toBe(text);
    const parts = await partsOf(component);
    expect(text.startsWith(parts.join(""))).toBe(true);
    expect(bytes - bytesOf(parts.join(""))).toBeLessThan(PART);
    expect(Math.max(...parts.map(bytesOf))).toBeLessThanOrEqual(PART);
  }
  const before = (await dump(component)).parts;
  await ingestOk(component, [turn.itemCompleted(agentMessage("m", text))]);
  expect((await partsOf(component)).join("")).toBe(text);
  const after = (await dump(component)).parts.filter(({ kind }) => kind === "text");
  const same = after.filter((part) => before.some(({ _id, text: old }) => _id === part._id && old === part.text));
  expect(after.length - same.length, "the last part alone").toBe(1);
  const [whole] = await messagesOf(component);
  expect([whole!.status, whole!.textTruncated, whole!.textBytes]).toEqual(["completed", true, bytesOf(text)]);
});

test("a reader of a long message, and of a silent one beside it, reads a bounded tail", async () => {
  const write = async (component: Component) => {
    await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
    await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("silent", "")), turn.text("silent", "Wait."), turn.itemStarted(agentMessage("m", ""))]);
    for (let at = 0; at < 500; at++) {
      await ingestOk(component, [turn.text("m", "word ")]);
      if (at % 100 === 99) {
        expect(await textsOf(component)).toEqual([["silent", "streaming", "Wait."], ["m", "streaming", "word ".repeat(at + 1)]]);
      }
    }
  };
  // Two tails, two rows, their parts and payloads, and the thread.
  await write(startComponent({ documentsRead: 2 * TAIL_CHUNKS_MAX + 16 }));
});

test("a hole that is filled a thousand chunks later costs no batch more than its bound", async () => {
  const component = startComponent({ documentsRead: 1_200 });
  await component.mutation(api.threads.create, { actor: OWNER, threadId: THREAD });
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0 });
  const turn = new TurnStream();
  await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "one ")]);
  const late = [turn.text("m", "two ")];
  for (let at = 0; at < 1_100; at++) await ingest(component, [turn.text("m", "x")]);
  await ingestOk(component, late);
  for (let at = 0; at < 3; at++) await ingestOk(component, [turn.text("m", "y")]);
  const { messages, streamHeads } = await dump(component);
  expect(messages[0]!.foldCursor).toBeGreaterThan(1_100);
  expect(streamHeads[0]!.holes).toEqual([]);
  expect(await textsOf(component)).toEqual([["m", "streaming", `one two ${"x".repeat(1_100)}yyy`]]);
});
