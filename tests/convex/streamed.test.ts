/** What readers of streams alone fold of the component's own answers is what its durable rows say. */
import { describe, expect, test } from "vitest";
import type { CodexStreamsResult } from "../../js-wrapper/mapping/index.js";
import { EMPTY_OVERLAY, foldOverlay } from "../../js-wrapper/mapping/index.js";
import { mergeCodexReasoning } from "../../js-wrapper/mapping/merge-reasoning.js";
import {
  foldStreamed,
  MESSAGES_FOLDING,
  messagesStreamed,
  nothingStreamed,
  REASONING_FOLDING,
  reasoningStreamed,
} from "../../js-wrapper/mapping/streamed.js";
import { agentMessage, api, ingestOk, OWNER, reasoning, startThread, THREAD, TURN, TurnStream, type Component, type StreamEvent } from "./build.js";

type Cursors = { streamId: string; cursor: number }[];

/** A reader who follows the thread as the hooks do, by the host's query of deltas. */
class Reader {
  messages = nothingStreamed<(typeof MESSAGES_FOLDING)["none"]>();
  reasoning = nothingStreamed<(typeof REASONING_FOLDING)["none"]>();
  overlay = EMPTY_OVERLAY;
  readonly #component: Component;

  constructor(component: Component) {
    this.#component = component;
  }

  /** Reads until there is nothing new. */
  async catchUp(): Promise<void> {
    for (;;) {
      const { messages, reasoning: thoughts, overlay } = this;
      const { cursors } = messages;
      expect([thoughts.cursors, overlay.cursors]).toEqual([cursors, cursors]);
      const answer = await this.#ask(cursors);
      this.messages = foldStreamed(messages, cursors, answer, MESSAGES_FOLDING);
      this.reasoning = foldStreamed(thoughts, cursors, answer, REASONING_FOLDING);
      this.overlay = foldOverlay(overlay, cursors, answer);
      if (this.messages === messages && this.reasoning === thoughts && this.overlay === overlay) return;
    }
  }

  async #ask(cursors: readonly Cursors[number][]): Promise<CodexStreamsResult> {
    const asked = { actor: OWNER, threadId: THREAD, streamCursorsById: [...cursors], liveOnly: true, snapshots: false };
    return { kind: "deltas", ...(await this.#component.query(api.sync.replay, asked)) };
  }
}

function story(turn: TurnStream): StreamEvent[] {
  const thought = (kind: string, params: object) => turn.event(`item/reasoning/${kind}`, { itemId: "r", ...params });
  return [
    turn.started(),
    ...turn.prompt("Say it."),
    turn.itemStarted(reasoning("r", [], [])),
    thought("summaryPartAdded", { summaryIndex: 0 }),
    thought("summaryTextDelta", { summaryIndex: 0, delta: "first" }),
    thought("summaryPartAdded", { summaryIndex: 1 }),
    thought("summaryTextDelta", { summaryIndex: 1, delta: "sec" }),
    thought("summaryTextDelta", { summaryIndex: 1, delta: "ond" }),
    turn.itemCompleted(reasoning("r", ["first", "second"], [])),
    turn.itemStarted(agentMessage("m", "")),
    turn.text("m", "Hel"),
    turn.event("item/agentMessage/delta", { itemId: "m", delta: "\ud83d" }),
    turn.event("item/agentMessage/delta", { itemId: "m", delta: "\ude00lo" }),
  ];
}

describe.each([
  ["by default", {}],
  ["with text deltas kept too", { runtime: { saveStreamDeltas: true } }],
])("a reader of streams alone, %s", (_, options) => {
  test.each([2, 5, 100])("in batches of %i sees what is written and thought, and how it ended", async (size) => {
    const component = await startThread();
    const reader = new Reader(component);
    const turn = new TurnStream();
    const events = story(turn);
    for (let at = 0; at < events.length; at += size) {
      await ingestOk(component, events.slice(at, at + size), options);
      await reader.catchUp();
    }
    expect(messagesStreamed(reader.messages).flat()).toEqual([{ turnId: TURN, messageId: "m", text: "Hel😀lo", status: "streaming", lastCursor: turn.cursor }]);
    expect(reasoningStreamed(reader.reasoning).flat().map(({ itemId, index, text }) => [itemId, index, text])).toEqual([
      ["r", 0, "first"],
      ["r", 1, "second"],
    ]);
    await ingestOk(component, [turn.completed("failed", "no quota")], options);
    await reader.catchUp();
    expect(messagesStreamed(reader.messages).flat()).toMatchObject([{ text: "Hel😀lo", status: "failed", error: "no quota" }]);
    expect(reader.messages.cursors).toEqual([]);
  });

  test("a reader who comes late sees the same", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, story(turn), options);
    const reader = new Reader(component);
    await reader.catchUp();
    expect(messagesStreamed(reader.messages).flat()).toMatchObject([{ text: "Hel😀lo", status: "streaming" }]);
    expect(reasoningStreamed(reader.reasoning).flat().map(({ text }) => text)).toEqual(["first", "second"]);
  });
});

test("the live text of what is thought goes on where the page's piece ends", async () => {
  const component = await startThread();
  const turn = new TurnStream();
  const events = story(turn);
  const reader = new Reader(component);
  await ingestOk(component, events.slice(0, 6));
  await reader.catchUp();
  const { page } = await component.query(api.reasoning.listByThread, { actor: OWNER, threadId: THREAD, paginationOpts: { cursor: null, numItems: 10 } });
  await ingestOk(component, events.slice(6, 9));
  await reader.catchUp();
  const now = await component.query(api.reasoning.listByThread, { actor: OWNER, threadId: THREAD, paginationOpts: { cursor: null, numItems: 10 } });
  expect(page.map(({ text }) => text)).toEqual(["first"]);
  // The page of before with the live text of now is the page of now.
  const textOf = (rows: typeof page, overlay = reader.overlay) => mergeCodexReasoning(rows, overlay).sections.map(({ text }) => text);
  expect(textOf(page)).toEqual(textOf(now.page, EMPTY_OVERLAY));
  expect(textOf(page)[0]).toMatch(/^first\s+second$/);
});
