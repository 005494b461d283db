/** The server requests of the recordings: each is seen while it waits, and nothing waits when the turns have ended. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Numbering } from "../../js-wrapper/bridge/numbering.js";
import { api, dump, OWNER, SESSION, startComponent, type Component } from "./build.js";

const RECORDINGS = path.join(process.cwd(), "tests/fixtures/transcripts");

type Params = { threadId?: string; turnId?: string; turn?: { id: string }; requestId?: number };
type Message = { method?: string; id?: number; params?: Params; result?: unknown; emittedAtMs?: number; event?: string };
type Entry = { dir: "in" | "out" | "proc"; msg: Message };
type InThread = { threadId: string; method: string; id?: number; params: Params; payload: Message };

const entriesOf = (name: string) =>
  readFileSync(path.join(RECORDINGS, name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Entry);

function inThread({ dir, msg }: Entry): InThread | undefined {
  const { method, id, params } = msg;
  if (dir !== "in" || method === undefined || params?.threadId === undefined) return undefined;
  const { emittedAtMs: _, ...payload } = msg;
  return { threadId: params.threadId, method, params, payload, ...(id === undefined ? {} : { id }) };
}

const isRequest = (entry: Entry) => inThread(entry)?.id !== undefined;
const recordings = readdirSync(RECORDINGS).filter((name) => entriesOf(name).some(isRequest));

/** Requests of one process, as they were asked and answered. */
type Recorded = { threadId: string; id: number; method: string; resolved: boolean; result?: unknown };

async function play(component: Component, name: string, reports: boolean): Promise<Recorded[]> {
  const numbering = new Numbering("rt", 0);
  const recorded: Recorded[] = [];
  let generation = 0;
  for (const entry of entriesOf(name)) {
    if (entry.dir === "proc" && entry.msg.event === "start") numbering.beginGeneration(++generation);
    const event = inThread(entry);
    if (event !== undefined) {
      await send(component, numbering, event);
      const { threadId, method, id, params } = event;
      if (id !== undefined) {
        recorded.push({ threadId, id, method, resolved: false });
        const open = await component.query(api.serverRequests.listPending, { actor: OWNER, threadId });
        expect(open.find(({ requestId }) => requestId === id)).toMatchObject({ method, status: "pending" });
      }
      const asked = recorded.findLast(({ id }) => id === params.requestId);
      if (method === "serverRequest/resolved" && asked !== undefined) asked.resolved = true;
    }
    const answered = entry.dir === "out" && entry.msg.method === undefined ? recorded.findLast(({ id }) => id === entry.msg.id) : undefined;
    if (answered === undefined) continue;
    answered.result = entry.msg.result;
    const { threadId, id: requestId } = answered;
    const report = { actor: OWNER, threadId, requestId, status: "answered" as const, resolvedAt: 1, runtimeId: "rt", generation };
    if (reports) await component.mutation(api.serverRequests.resolve, { ...report, responseJson: JSON.stringify(answered.result) });
  }
  return recorded;
}

async function send(component: Component, numbering: Numbering, { threadId, method, params, payload }: InThread): Promise<void> {
  const turnId = params.turnId ?? params.turn?.id;
  const opensTurn = turnId !== undefined && (method === "turn/started" || method.startsWith("item/"));
  const message = { threadId, opensTurn, endsTurn: turnId !== undefined && method === "turn/completed", ...(turnId === undefined ? {} : { turnId }) };
  const { eventId, streamId, cursorStart, cursorEnd } = numbering.number(message);
  const event = { eventId, kind: method, payloadJson: JSON.stringify(payload), createdAt: 1 };
  const delta = streamId !== undefined && turnId !== undefined ? { type: "stream_delta" as const, ...event, turnId, streamId, cursorStart, cursorEnd } : undefined;
  const beside = { type: "lifecycle_event" as const, ...event, ...(turnId === undefined ? {} : { turnId }) };
  const answer = await component.mutation(api.sync.ingestSafe, {
    actor: OWNER,
    sessionId: SESSION,
    threadId,
    streamDeltas: delta === undefined ? [] : [delta],
    lifecycleEvents: delta === undefined ? [beside] : [],
  });
  expect(answer.errors).toEqual([]);
}

test("there are recordings of every kind that was seen", () => {
  const methods = recordings.flatMap(entriesOf).flatMap((entry) => (isRequest(entry) ? [entry.msg.method] : []));
  expect([...new Set(methods)].sort()).toEqual([
    "item/commandExecution/requestApproval",
    "item/fileChange/requestApproval",
    "item/tool/call",
    "item/tool/requestUserInput",
    "mcpServer/elicitation/request",
  ]);
});

describe.each(recordings)("%s", (name) => {
  test("by its events alone: each expired, as it was resolved or with its turn", async () => {
    const component = startComponent();
    const recorded = await play(component, name, false);
    const rows = (await dump(component)).serverRequests;
    expect(rows.map(({ requestId, method, status, cause }) => [requestId, method, status, cause])).toEqual(
      recorded.map(({ id, method, resolved }) => [id, method, "expired", resolved ? "resolved" : "turnEnded"]),
    );
    await expectNothingPending(component, recorded);
  });

  test("with the bridge's word: each answered, with what was written", async () => {
    const component = startComponent();
    const recorded = await play(component, name, true);
    const rows = (await dump(component)).serverRequests;
    expect(rows.map(({ requestId, status, cause, responseJson }) => [requestId, status, cause, responseJson])).toEqual(
      recorded.map(({ id, result }) => [id, "answered", "reported", JSON.stringify(result)]),
    );
    for (const { approval, decisionJson, responseJson } of rows.filter((row) => row.approval !== undefined)) {
      expect(approval).toMatch(/^(commandExecution|fileChange)$/);
      expect({ decision: JSON.parse(decisionJson ?? "null") as unknown }).toEqual(JSON.parse(responseJson ?? "null"));
    }
    await expectNothingPending(component, recorded);
  });
});

async function expectNothingPending(component: Component, recorded: Recorded[]) {
  expect(await component.query(api.serverRequests.listPending, { actor: OWNER })).toEqual([]);
  for (const threadId of new Set(recorded.map((request) => request.threadId))) {
    const state = await component.query(api.threads.getState, { actor: OWNER, threadId });
    expect(state.pendingApprovals).toEqual([]);
  }
}
