/** Texts and items: halves of characters, ids that come again, reasoning that is not to be kept. */
import { describe, expect, test } from "vitest";
import { joinRun } from "../../js-wrapper/protocol/text-run.js";
import {
  agentMessage,
  api,
  command,
  dump,
  ingestOk,
  lifecycle,
  messagesOf,
  OWNER,
  reasoning,
  startThread,
  STREAM,
  textsOf,
  THREAD,
  turnOf,
  TurnStream,
} from "./build.js";

describe("surrogate halves", () => {
  /** A delta as the app-server writes it: the halves are escapes in the JSON. */
  const escaped = (turn: TurnStream, itemId: string, delta: string) => {
    const params = `"threadId":"${THREAD}","turnId":"${turn.turnId}","itemId":"${itemId}","delta":"${delta}"`;
    return turn.raw("item/agentMessage/delta", `{"method":"item/agentMessage/delta","params":{${params}}}`);
  };
  const begun = async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", ""))]);
    return { component, turn, say: (delta: string) => ingestOk(component, [escaped(turn, "m", delta)]) };
  };
  const textNow = async (component: Awaited<ReturnType<typeof startThread>>) => (await messagesOf(component))[0]!.text;

  test("of two batches are one character, absent while its second half is not there", async () => {
    const { component, say } = await begun();
    await say("a\\uD83D");
    expect(await textNow(component)).toBe("a");
    await say("\\uDE00b");
    expect(await textNow(component)).toBe("a😀b");
  });

  test("with an empty delta between them are one character", async () => {
    const { component, say } = await begun();
    await say("a\\uD83D");
    await say("");
    await say("\\uDE00");
    expect(await textNow(component)).toBe("a😀");
  });

  test("that never pair are U+FFFD, the last one only when the turn ends", async () => {
    const { component, turn, say } = await begun();
    await say("a\\uD83D");
    await say("b\\uDE00c");
    await say("d\\uD83D");
    expect(await textNow(component)).toBe("a\uFFFDb\uFFFDcd");
    await ingestOk(component, [turn.completed()]);
    expect(await textNow(component)).toBe("a\uFFFDb\uFFFDcd\uFFFD");
  });

  test("of one batch and of one delta", async () => {
    const { component, turn } = await begun();
    await ingestOk(component, [escaped(turn, "m", "1\\uD83D"), escaped(turn, "m", "\\uDE002\\uD83D\\uDE00"), escaped(turn, "m", "\\uDE003")]);
    expect(await textNow(component)).toBe("1😀2😀\uFFFD3");
  });

  test("in a replay stand beside the runs, so that a reader joins them over its windows", async () => {
    const { component, say } = await begun();
    await say("a\\uD83D");
    await say("\\uDE00b");
    const read = async (cursor: number, runtime: { maxDeltasPerStreamRead?: number }) => {
      const streamCursorsById = [{ streamId: STREAM, cursor }];
      const { texts, nextCheckpoints } = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById, runtime });
      return { texts, next: nextCheckpoints[0]!.cursor };
    };
    const joined = (texts: Awaited<ReturnType<typeof read>>["texts"]) => {
      let [text, high] = ["", undefined as number | undefined];
      for (const run of texts) {
        const next = joinRun(high, run);
        [text, high] = [text + next.text, next.high];
      }
      return text;
    };
    expect(joined((await read(0, {})).texts)).toBe("a😀b");
    const first = await read(2, { maxDeltasPerStreamRead: 1 });
    const second = await read(first.next, { maxDeltasPerStreamRead: 1 });
    expect([first.texts.length, second.texts.length]).toEqual([1, 1]);
    expect(joined([...first.texts, ...second.texts])).toBe("a😀b");
  });

  test("in a completed message are U+FFFD", async () => {
    const { component, turn } = await begun();
    const item = JSON.stringify(agentMessage("m", "half HALF.")).replace("HALF", "\\uD83D");
    const params = `"threadId":"${THREAD}","turnId":"${turn.turnId}","item":${item}`;
    await ingestOk(component, [turn.raw("item/completed", `{"method":"item/completed","params":{${params}}}`)]);
    expect(await textNow(component)).toBe("half \uFFFD.");
  });
});

describe("an item", () => {
  test("started again after its end is another message, at a lower cursor a repeat", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("x", ["first"])]);
    await ingestOk(component, [turn.itemStarted(agentMessage("x", "")), turn.text("x", "sec")]);
    await ingestOk(component, [turn.text("x", "ond")]);
    expect(await textsOf(component)).toEqual([["x", "completed", "first"], ["x#2", "streaming", "second"]]);
    await ingestOk(component, [turn.itemCompleted(agentMessage("x", "second.")), ...turn.reply("x", ["third"])]);
    expect(await textsOf(component)).toEqual([["x", "completed", "first"], ["x#2", "completed", "second."], ["x#3", "completed", "third"]]);
  });

  test("started twice while it is open is one message", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const begin = () => turn.itemStarted(agentMessage("x", ""));
    await ingestOk(component, [turn.started(), begin(), begin(), turn.text("x", "a")]);
    await ingestOk(component, [begin(), turn.text("x", "b")]);
    expect(await textsOf(component)).toEqual([["x", "streaming", "ab"]]);
  });

  test("used three times in one batch is three messages", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...["a", "b", "c"].flatMap((text) => turn.reply("x", [text])), turn.completed()]);
    expect(await textsOf(component)).toEqual([["x", "completed", "a"], ["x#2", "completed", "b"], ["x#3", "completed", "c"]]);
  });

  test("of the same id in another turn is another item", async () => {
    const component = await startThread();
    for (const turnId of ["turn_1", "turn_2"]) {
      const turn = new TurnStream({ turnId });
      await ingestOk(component, [turn.started(), ...turn.reply("x", [turnId]), turn.completed()]);
    }
    expect((await messagesOf(component)).map(({ messageId, turnId, text }) => [messageId, turnId, text])).toEqual([
      ["x", "turn_1", "turn_1"],
      ["x", "turn_2", "turn_2"],
    ]);
  });

  test("started again by a lifecycle event is no second message", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("x", ["text"])]);
    const again = lifecycle(0, "item/started", { turnId: turn.turnId, item: agentMessage("x", "") }, turn.turnId);
    await ingestOk(component, [], {}, [again]);
    expect(await textsOf(component)).toEqual([["x", "completed", "text"]]);
  });

  test("first named by a lifecycle event comes behind the items before it", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), ...turn.reply("x", ["text"])]);
    const late = lifecycle(0, "item/completed", { turnId: turn.turnId, item: agentMessage("y", "beside") }, turn.turnId);
    await ingestOk(component, [], {}, [late]);
    expect((await messagesOf(component)).map(({ messageId, text, orderInTurn }) => [messageId, text, orderInTurn])).toEqual([
      ["x", "text", 1],
      ["y", "beside", 2],
    ]);
  });

  test("of which only a delta is seen has the type that the delta implies", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [
      turn.text("m", "Hi"),
      turn.event("item/commandExecution/outputDelta", { itemId: "c", delta: "out" }),
      turn.event("item/plan/delta", { itemId: "p", delta: "1." }),
      turn.event("item/reasoning/summaryTextDelta", { itemId: "r", delta: "so", summaryIndex: 0 }),
    ]);
    expect((await messagesOf(component)).map(({ messageId, role, sourceItemType, text }) => [messageId, role, sourceItemType, text])).toEqual([
      ["m", "assistant", "agentMessage", "Hi"],
      ["c", "tool", "commandExecution", ""],
      ["p", "assistant", "plan", "1."],
      ["r", "assistant", "reasoning", "so"],
    ]);
    expect((await turnOf(component)).status).toBe("inProgress");
  });

  test("declined is interrupted, failed is failed", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    const ends = ["declined", "failed", "completed"].map((status) => turn.itemCompleted(command(status, "ls", status)));
    await ingestOk(component, [turn.started(), ...ends]);
    expect((await messagesOf(component)).map(({ status }) => status)).toEqual(["interrupted", "failed", "completed"]);
  });

  test("two that speak by turns keep their texts apart", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("a", "")), turn.itemStarted(agentMessage("b", ""))]);
    for (let at = 0; at < 3; at++) await ingestOk(component, [turn.text("a", `a${at}`), turn.text("b", `b${at}`), turn.text("a", "-")]);
    expect(await textsOf(component)).toEqual([["a", "streaming", "a0-a1-a2-"], ["b", "streaming", "b0b1b2"]]);
  });

  test("of which the completed text differs from the deltas reads as completed", async () => {
    const component = await startThread();
    const turn = new TurnStream();
    await ingestOk(component, [turn.started(), turn.itemStarted(agentMessage("m", "")), turn.text("m", "Hel")]);
    await ingestOk(component, [turn.itemCompleted(agentMessage("m", "Goodbye."))]);
    expect(await textsOf(component)).toEqual([["m", "completed", "Goodbye."]]);
    await ingestOk(component, [turn.text("m", " And more.")]);
    expect(await textsOf(component)).toEqual([["m", "completed", "Goodbye."]]);
  });
});

describe("reasoning", () => {
  const SUMMARY = "SUMMARY-OF-THOUGHT";
  const RAW = "RAW-THOUGHT";
  const script = () => {
    const turn = new TurnStream();
    const grew = (kind: string, delta: string, place: object) => turn.event(`item/reasoning/${kind}`, { itemId: "r", delta, ...place });
    return [
      turn.started(),
      turn.itemStarted(reasoning("r", [], [])),
      turn.event("item/reasoning/summaryPartAdded", { itemId: "r", summaryIndex: 0 }),
      grew("summaryTextDelta", `${SUMMARY} one`, { summaryIndex: 0 }),
      turn.event("item/reasoning/summaryPartAdded", { itemId: "r", summaryIndex: 1 }),
      grew("summaryTextDelta", "two", { summaryIndex: 1 }),
      grew("textDelta", `${RAW} all`, { contentIndex: 0 }),
      turn.itemCompleted(reasoning("r", [`${SUMMARY} one`, "two"], [`${RAW} all`])),
      ...turn.reply("m", ["Answer."]),
      turn.completed(),
    ];
  };
  const everything = { saveStreamDeltas: true, saveReasoningDeltas: true, exposeRawReasoningDeltas: true };

  test.each([{}, { saveStreamDeltas: true, exposeRawReasoningDeltas: true }])(
    "that is not to be saved leaves no trace anywhere, with %o beside it",
    async (beside) => {
      for (const batches of [[script()], script().map((event) => [event])]) {
        const component = await startThread();
        for (const events of batches) await ingestOk(component, events, { runtime: { ...beside, saveReasoningDeltas: false } });
        const all = JSON.stringify(await dump(component));
        expect(all).not.toMatch(/THOUGHT|reasoning|two/);
        expect(await textsOf(component)).toEqual([["m", "completed", "Answer."]]);
        expect((await dump(component)).streamHeads[0]!.latest).toBe(script().length);
      }
    },
  );

  test("keeps its raw content to itself by default", async () => {
    for (const runtime of [undefined, {}, { saveStreamDeltas: true }, { exposeRawReasoningDeltas: false }]) {
      const component = await startThread();
      const options = runtime === undefined ? {} : { runtime };
      await ingestOk(component, script(), options);
      expect(JSON.stringify(await dump(component))).not.toContain(RAW);
      const message = (await messagesOf(component))[0]!;
      expect([message.text, JSON.parse(message.payloadJson).content]).toEqual([`${SUMMARY} one\n\ntwo`, []]);
    }
  });

  test("shows its raw content where that is asked for, in the payload and not in the text", async () => {
    const component = await startThread();
    await ingestOk(component, script(), { runtime: everything });
    const message = (await messagesOf(component))[0]!;
    expect([message.text, JSON.parse(message.payloadJson).content]).toEqual([`${SUMMARY} one\n\ntwo`, [`${RAW} all`]]);
    const { deltas } = await component.query(api.sync.replay, { actor: OWNER, threadId: THREAD, streamCursorsById: [{ streamId: STREAM, cursor: 0 }] });
    expect(deltas.filter(({ payloadJson }) => payloadJson.includes(RAW)).map(({ kind }) => kind)).toEqual(["item/reasoning/textDelta", "item/completed"]);
  });

  test("streams its summary as its finished text has it", async () => {
    const component = await startThread();
    await ingestOk(component, script().slice(0, 7));
    expect(await textsOf(component)).toEqual([["r", "streaming", `${SUMMARY} one\n\ntwo`]]);
  });
});
