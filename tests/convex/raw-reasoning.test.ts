/**
 * Raw reasoning that is kept, and who reads it: every function that `defineCodexHost` has for readers is found in what it makes, and
 * asked for all that there is, of a server that consents and of one that does not, on the same rows. What is not to be kept is in no row.
 */
import { makeFunctionReference, type UserIdentity } from "convex/server";
import { ConvexError, type Infer, type Value } from "convex/values";
import { beforeAll, describe, expect, test } from "vitest";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";
import { defineCodexHost, resolveActorFromAuth, type vHostReturns } from "../../js-wrapper/host/convex.js";
import { foldStreamed, nothingStreamed, REASONING_FOLDING, reasoningStreamed, type StreamedReasoning } from "../../js-wrapper/mapping/streamed.js";
import { codexLocal, startApp, type App } from "./app.js";
import { agentMessage, command, dump, ingest, reasoning, runScheduledNow, SESSION, startThread, STREAM, THREAD, TURN, TurnStream, type StreamEvent } from "./build.js";

const RAW = "the raw thought";
const MiB = 1024 * 1024;
const ANN = { subject: "ann", issuer: "https://id.test", tokenIdentifier: "https://id.test|ann" } satisfies Partial<UserIdentity>;
const kept = { actor: resolveActorFromAuth, ingest: { saveStreamDeltas: true, exposeRawReasoningDeltas: true } };
const read = { maxDeltasPerStreamRead: 1_000 };
const HOSTS = { consenting: defineCodexHost(codexLocal, { ...kept, read, includeRaw: true }), silent: defineCodexHost(codexLocal, { ...kept, read }) };

type Name = keyof typeof HOSTS.silent;
type Given = Record<string, Value | undefined>;
type Registered = { isQuery?: true; isMutation?: true; exportArgs: () => string };
const registered = HOSTS.silent as unknown as Record<Name, Registered>;
const argsOf = (name: Name) => (JSON.parse(registered[name].exportArgs()) as { value: Record<string, { optional: boolean }> }).value;
const READERS = (Object.keys(HOSTS.silent) as Name[]).filter((name) => !("deviceToken" in argsOf(name)));
const QUERIES = READERS.filter((name) => registered[name].isQuery === true);
/** What shows raw reasoning to whoever may see it. */
const TELLERS: Name[] = [
  "listThreadMessagesForHooks",
  "listThreadReasoningForHooks",
  "listTurnMessagesForHooks",
  "resumeStreamReplay",
  "getMessagePayload",
  "listQuarantine",
];

const ENDED = "turn_ended";
const THREADS = [THREAD, "th_copy"];
const TURNS = [TURN, ENDED, "turn_past"];
const MESSAGES = ["short", "begun", "escaped", "long", "past", "cmd", "msg"];
const streamsOf = (threadId: string) => TURNS.map((turnId) => ({ streamId: `${threadId}:${turnId}:0`, cursor: 0 }));

/** What each argument of a reader's function is tried with; an argument that is not here fails the test. */
const GIVEN: Record<string, (threadId: string) => readonly (Value | undefined)[]> = {
  threadId: (threadId) => [threadId],
  turnId: () => TURNS,
  messageId: () => MESSAGES,
  paginationOpts: () => [{ cursor: null, numItems: 100 }],
  streamArgs: (threadId) => [undefined, { kind: "list" }, { kind: "deltas", cursors: streamsOf(threadId) }],
  includeRaw: () => [undefined, true],
  fromCursor: () => [0],
  runtime: () => [undefined, { exposeRawReasoningDeltas: true, maxDeltasPerRequestRead: 4_000 }],
  cursor: () => [undefined],
  parentThreadId: () => [undefined, null],
  summary: () => [true],
  forkJobId: () => ["none"],
  deletionJobId: () => ["none"],
  externalThreadId: () => ["external"],
  limit: () => [undefined],
  commandId: () => ["command"],
  runtimeId: () => [undefined],
  open: () => [undefined],
  inputText: () => ["hello"],
  idempotencyKey: () => ["key"],
  model: () => [undefined],
  cwd: () => [undefined],
  reason: () => [undefined],
  itemId: () => ["short"],
  decision: () => ["declined"],
  requestId: () => [undefined],
  shownSha256: () => [undefined],
  kind: () => ["turn"],
  payloadJson: () => ['{"input":[]}'],
  ttlMs: () => [undefined],
  expectedTurnId: () => [undefined],
  name: () => ["name"],
  eventId: () => [undefined],
  delayMs: () => [undefined],
  deviceId: () => ["phone"],
  label: () => [undefined],
  entropy: () => [createDeviceEntropy()],
  tokenId: () => ["token"],
};

/** Every way to call a function about a thread. */
function waysOf(name: Name, threadId: string): Given[] {
  return Object.keys(argsOf(name)).reduce<Given[]>(
    (ways, arg) => {
      const values = GIVEN[arg] ?? expect.fail(`nothing is known to try for \`${arg}\` of ${name}`);
      return ways.flatMap((way) => values(threadId).map((value) => ({ ...way, [arg]: value })));
    },
    [{}],
  );
}

/** A running turn, one that ended and one that was imported, a copy of them, and what was malformed: all with raw thoughts. */
function told() {
  const turn = new TurnStream();
  const ofItem = (itemId: string, more: object) => ({ itemId, ...more });
  const escaped = (event: StreamEvent) => ({ ...event, payloadJson: event.payloadJson.replace('"reasoning"', '"r\\u0065asoning"') });
  const live = [
    turn.started(),
    turn.itemStarted(reasoning("short", [], [RAW])),
    turn.event("item/reasoning/summaryPartAdded", ofItem("short", { summaryIndex: 0 })),
    turn.event("item/reasoning/summaryTextDelta", ofItem("short", { delta: "in ", summaryIndex: 0 })),
    turn.event("item/reasoning/textDelta", ofItem("short", { delta: RAW, contentIndex: 0 })),
    turn.event("item/reasoning/summaryTextDelta", ofItem("short", { delta: "short", summaryIndex: 0 })),
    turn.itemCompleted(reasoning("short", ["in short"], [RAW])),
    turn.itemStarted(agentMessage("msg", "")),
    turn.text("msg", "my reasoning is"),
    turn.itemCompleted(command("cmd", "cat", "completed", "reasoning ".repeat(0.15 * MiB))),
    escaped(turn.itemCompleted(reasoning("escaped", [], [RAW]))),
    turn.itemStarted(reasoning("begun", [], [RAW])),
    turn.event("item/reasoning/textDelta", ofItem("begun", { delta: RAW, contentIndex: 0 })),
    turn.event("item/reasoning/textDelta", ofItem("begun", { delta: [RAW] })),
    turn.event("item/completed", { item: { type: "reasoning", content: [RAW] } }),
    turn.raw("item/completed", `{"method":"item/completed","params":{"item":{"type":"reasoning","content":["${RAW}`),
    turn.raw("item/agentMessage/delta", JSON.stringify({ method: "item/reasoning/textDelta", params: ofItem("begun", { delta: RAW }) })),
    turn.event("item/agentMessage/delta", { itemId: "msg", delta: 5 }),
  ];
  const ended = new TurnStream({ turnId: ENDED });
  const whole = { id: ENDED, items: [reasoning("long", [], [RAW])], itemsView: "full", status: "completed", error: null };
  const over = [
    ended.started(),
    ended.itemCompleted(reasoning("long", ["at length"], [RAW, "y".repeat(1.2 * MiB), RAW])),
    ended.raw("turn/completed", JSON.stringify({ method: "turn/completed", params: { threadId: THREAD, turn: whole } })),
  ];
  return [over, live];
}

type World = { app: App; call: <Called extends Name>(host: keyof typeof HOSTS, name: Called, given: Given) => Promise<Infer<(typeof vHostReturns)[Called]>> };

async function start(): Promise<World> {
  const app = startApp(HOSTS);
  const ann = app.withIdentity(ANN);
  const call = async (host: keyof typeof HOSTS, name: Name, given: Given) => {
    const [as, reference] = ["deviceToken" in argsOf(name) ? app : ann, `${host}:${name}`];
    return (await (registered[name].isQuery === true
      ? as.query(makeFunctionReference<"query">(reference), given)
      : as.mutation(makeFunctionReference<"mutation">(reference), given))) as never;
  };
  const { token: deviceToken } = (await call("silent", "issueDeviceToken", { deviceId: "laptop", entropy: createDeviceEntropy() })) as { token: string };
  const bridge = (name: Name, given: Given): Promise<unknown> => call("silent", name, { deviceToken, threadId: THREAD, ...given });
  await bridge("ensureThread", {});
  await bridge("ensureSession", { sessionId: SESSION });
  const past = { turnId: "turn_past", turnJson: '{"id":"turn_past","status":"completed"}', items: [JSON.stringify(reasoning("past", ["long ago"], [RAW]))] };
  await bridge("importHistory", { sessionId: SESSION, position: { turn: 0, item: 0 }, turns: [past], atEnd: true });
  for (const deltas of told()) expect(await bridge("ingestBatch", { sessionId: SESSION, deltas })).toMatchObject({ ackedStreams: [{}] });
  await bridge("forkThread", { newThreadId: "th_copy" });
  await runScheduledNow(app);
  return { app, call };
}

/** The JSON of an answer, escapes of JSON in it undone. */
const textOf = (answer: unknown) => JSON.stringify(answer).replaceAll("\\", "");

test.each([{}, { saveStreamDeltas: true }, { saveStreamDeltas: true, saveReasoningDeltas: false, exposeRawReasoningDeltas: true }])(
  "raw reasoning that is not to be kept is in no row: %o",
  async (runtime) => {
    const component = await startThread();
    for (const deltas of told()) expect(await ingest(component, deltas, { runtime })).toMatchObject({ ackedStreams: [{}] });
    const rows = textOf(await dump(component));
    const isThere = (text: string) => rows.includes(text);
    expect(["my reasoning is", RAW, "in short"].map(isThere)).toEqual([true, false, runtime.saveReasoningDeltas !== false]);
  },
);

describe("raw reasoning that is kept", () => {
  let world: World;
  beforeAll(async () => {
    world = await start();
  });

  /** The queries whose answers hold it. */
  async function tellers(host: keyof typeof HOSTS) {
    const found = new Set<Name>();
    for (const name of QUERIES) {
      for (const threadId of THREADS) {
        for (const given of waysOf(name, threadId)) if (textOf(await world.call(host, name, given)).includes(RAW)) found.add(name);
      }
    }
    return [...found];
  }

  test("is told by these queries where the server consents", async () => {
    expect(await tellers("consenting")).toEqual(TELLERS);
    expect(textOf(await world.call("consenting", "listTurnMessagesForHooks", { threadId: "th_copy", turnId: TURN }))).toContain(RAW);
  });

  test("is told by none where it does not, whatever is asked", async () => {
    expect(await tellers("silent")).toEqual([]);
  });

  test("and by nothing that people do", async () => {
    const { call } = await start();
    let answered = 0;
    for (const name of READERS.filter((reader) => !QUERIES.includes(reader))) {
      for (const given of waysOf(name, THREAD)) {
        const answer: unknown = await call("consenting", name, given).catch((error: unknown) => (error instanceof ConvexError ? (error.data as unknown) : expect.fail(String(error))));
        expect(textOf(answer ?? null), name).not.toContain(RAW);
        answered += 1;
      }
    }
    expect(answered).toBeGreaterThan(20);
  });

  const both = async <Called extends Name>(name: Called, given: Given) => {
    const [open, hidden] = await Promise.all([world.call("consenting", name, given), world.call("silent", name, given)]);
    return { open: open as NonNullable<typeof open>, hidden: hidden as NonNullable<typeof hidden> };
  };
  /** Payloads as they are without what was thought in full. */
  const hide = (json: string) =>
    JSON.stringify(JSON.parse(json, function (this: { type?: unknown }, key, value: unknown) {
      return key === "content" && this.type === "reasoning" ? [] : value;
    }));
  const isShown = ({ kind }: { kind: string }) => kind !== "item/reasoning/textDelta";

  test("is all that is missing of a stream: windows, cursors and texts are as they are", async () => {
    const streamArgs = { kind: "deltas" as const, cursors: streamsOf(THREAD) };
    for (const name of ["listThreadMessagesForHooks", "listThreadReasoningForHooks"] as const) {
      const { open, hidden } = await both(name, { threadId: THREAD, paginationOpts: { cursor: null, numItems: 0 }, streamArgs });
      if (open.streams?.kind !== "deltas") expect.fail("no deltas");
      const deltas = open.streams.deltas.filter(isShown).map((delta) => ({ ...delta, payloadJson: hide(delta.payloadJson) }));
      expect(deltas.length).toBeGreaterThan(10);
      expect(hidden).toEqual({ ...open, streams: { ...open.streams, deltas } });
      const folded = [open.streams, hidden.streams!].map((answer) => {
        const listed = foldStreamed(nothingStreamed<StreamedReasoning>(), [], answer, REASONING_FOLDING);
        return reasoningStreamed(foldStreamed(listed, listed.cursors, answer, REASONING_FOLDING)).flat();
      });
      expect(folded[0]).toMatchObject([{ itemId: "short", channel: "summary", text: "in short" }]);
      expect(folded[1]).toEqual(folded[0]);
    }
    const { open, hidden } = await both("resumeStreamReplay", { threadId: THREAD, turnId: TURN, fromCursor: 0 });
    expect(hidden).toEqual({ ...open, deltas: open.deltas.filter(isShown).map((delta) => ({ ...delta, payloadJson: hide(delta.payloadJson) })) });
    expect(open.streamWindow.streamId).toBe(STREAM);
  });

  test("is all that is missing of a message", async () => {
    const { open, hidden } = await both("listThreadMessagesForHooks", { threadId: THREAD, paginationOpts: { cursor: null, numItems: 100 } });
    expect(open.page.map(({ messageId }) => messageId).sort()).toEqual([...MESSAGES].sort());
    expect(hidden).toEqual({ ...open, page: open.page.map((row) => ({ ...row, payloadJson: hide(row.payloadJson) })) });
    expect(hidden.page.find(({ messageId }) => messageId === "short")).toMatchObject({ text: "in short" });
    const ofTurn = await both("listTurnMessagesForHooks", { threadId: THREAD, turnId: TURN });
    expect(ofTurn.hidden).toEqual(ofTurn.open.map((row) => ({ ...row, payloadJson: hide(row.payloadJson) })));
  });

  /** All pieces of a message's payload. */
  const pieces = async (host: keyof typeof HOSTS, turnId: string, messageId: string) => {
    const all = [];
    for (let cursor: string | null = null; ; ) {
      const piece: { text: string; bytes: number; isDone: boolean; continueCursor: string } | null = await world.call(host, "getMessagePayload", { threadId: THREAD, turnId, messageId, cursor });
      if (piece === null) expect.fail("no such message");
      expect(piece.bytes).toBe(new TextEncoder().encode(piece.text).length);
      all.push(piece);
      if (piece.isDone) return all;
      cursor = piece.continueCursor;
    }
  };
  const joined = (all: { text: string }[]) => all.map(({ text }) => text).join("");

  test("is all that is missing of a payload that is read whole, and no other's pieces change", async () => {
    for (const [turnId, messageId, count] of [[TURN, "short", 1], [TURN, "begun", 1], [TURN, "escaped", 1], [ENDED, "long", 2], [TURN, "cmd", 2], [TURN, "msg", 1]] as const) {
      const [open, hidden] = [await pieces("consenting", turnId, messageId), await pieces("silent", turnId, messageId)];
      expect(open, messageId).toHaveLength(count);
      if (messageId === "cmd" || messageId === "msg") expect(hidden).toEqual(open);
      else expect(JSON.parse(joined(hidden))).toEqual(JSON.parse(hide(joined(open))));
    }
    const long = { threadId: THREAD, turnId: ENDED, messageId: "long" };
    const [first] = await pieces("consenting", ENDED, "long");
    const [only] = await pieces("silent", ENDED, "long");
    // Behind the one piece there is nothing, and a cursor of the others' pieces leads to none of them.
    for (const { continueCursor: cursor } of [first!, only!]) expect(await world.call("silent", "getMessagePayload", { ...long, cursor })).toEqual({ ...only, text: "", bytes: 0 });
    await expect(world.call("silent", "getMessagePayload", { ...long, cursor: "made up" })).rejects.toThrow("E_CURSOR_INVALID");
    expect(await world.call("silent", "getMessagePayload", { ...long, messageId: "none" })).toBeNull();
  });

  test("is not told of what was malformed: where it may be meant, the payload is left out", async () => {
    const { open, hidden } = await both("listQuarantine", { threadId: THREAD, paginationOpts: { cursor: null, numItems: 100 } });
    expect(open.page.map(({ kind }) => kind)).toEqual(["item/agentMessage/delta", "item/agentMessage/delta", "item/completed", "item/completed", "item/reasoning/textDelta"]);
    const [plain, ...rest] = open.page;
    expect(hidden).toEqual({ ...open, page: [plain, ...rest.map((row) => ({ ...row, payloadJson: "" }))] });
  });
});
