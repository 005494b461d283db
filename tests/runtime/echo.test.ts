/** A command's echo in a history as `thread/turns/list` answers it: newest turn first, whole items. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { DeliveredCommand } from "../../js-wrapper/runtime/command-delivery.js";
import { createEchoFinder, ECHO_PAGE_TURNS, ECHO_PAGES_MAX, type EchoTurn, type EchoPage } from "../../js-wrapper/runtime/echo.js";

const message = (clientId: string | null) => ({ type: "userMessage", id: "01a2", clientId, content: [{ type: "text", text: "x", text_elements: [] }] });
const turn = (id: string, status: string, ...clientIds: (string | null)[]): EchoTurn => ({
  id,
  status,
  items: [...clientIds.map(message), { type: "agentMessage", id: "msg_1", text: "y", clientId: "not a message of a client" }],
});

/** Finds in these turns, and tells which pages were asked for. */
async function find(turns: readonly EchoTurn[], command: Partial<DeliveredCommand>) {
  const asked: unknown[] = [];
  const finder = createEchoFinder(async (threadId, { limit, cursor }) => {
    asked.push([threadId, cursor]);
    const from = Number(cursor ?? 0);
    return { data: turns.slice(from, from + limit), nextCursor: from + limit < turns.length ? String(from + limit) : null };
  });
  const found = await finder({ commandId: "c", leaseToken: "l", threadId: "t", kind: "turn", echoId: "echo", ...command });
  return { found, asked };
}

it("is the turn that holds the message, also of a steer", async () => {
  const turns = [turn("new", "inProgress", null, "other"), turn("old", "interrupted", "first", "echo")];
  for (const kind of ["turn", "steer"] as const) expect((await find(turns, { kind })).found).toEqual({ turnId: "old" });
  expect((await find(turns, { echoId: "nobody's" })).found).toBeNull();
  // Nothing but a message of a client is an echo.
  expect((await find(turns, { echoId: "not a message of a client" })).found).toBeNull();
  expect((await find([{ id: "summary" }], {})).found).toBeNull();
});

it("of an interrupt is its turn, once that has ended", async () => {
  const turns = [turn("runs", "inProgress"), turn("ended", "interrupted", "echo")];
  expect((await find(turns, { kind: "interrupt", turnId: "ended" })).found).toEqual({ turnId: "ended" });
  expect((await find(turns, { kind: "interrupt", turnId: "runs" })).found).toBeNull();
  expect((await find(turns, { kind: "interrupt", turnId: "nobody's" })).found).toBeNull();
});

it("of an answer is never asked for", async () => {
  for (const kind of ["decide", "answer"] as const) expect(await find([turn("u", "completed", "echo")], { kind })).toEqual({ found: null, asked: [] });
});

it("is looked for page by page, as far as a crash may be away", async () => {
  const turns = (count: number) => [...Array.from({ length: count }, (_, at) => turn(`u${at}`, "completed", null)), turn("it", "completed", "echo")];
  const second = await find(turns(ECHO_PAGE_TURNS), {});
  expect(second).toEqual({ found: { turnId: "it" }, asked: [["t", null], ["t", String(ECHO_PAGE_TURNS)]] });
  const short = await find(turns(1), { echoId: "nobody's" });
  expect([short.found, short.asked.length]).toEqual([null, 1]);
  const last = await find(turns(ECHO_PAGE_TURNS * ECHO_PAGES_MAX - 1), {});
  expect([last.found, last.asked.length]).toEqual([{ turnId: "it" }, ECHO_PAGES_MAX]);
  const beyond = await find(turns(ECHO_PAGE_TURNS * ECHO_PAGES_MAX), {});
  expect([beyond.found, beyond.asked.length]).toEqual([null, ECHO_PAGES_MAX]);
});

it("is found in a recorded answer", async () => {
  const lines = readFileSync(new URL("../fixtures/transcripts/lifecycle.jsonl", import.meta.url), "utf8").trimEnd().split("\n");
  type Line = { dir?: string; msg?: { id?: number; result?: EchoPage } };
  const answer = lines.map((line) => JSON.parse(line) as Line).find(({ dir, msg }) => dir === "in" && msg?.id === 9)?.msg?.result ?? expect.fail();
  const [, asked] = answer.data;
  const entry = { commandId: "c", leaseToken: "l", threadId: "t", echoId: "echo" };
  const stopped = { ...entry, kind: "interrupt" as const, turnId: asked!.id };
  expect(await createEchoFinder(async () => answer)(stopped)).toEqual({ turnId: asked!.id });
  expect(await createEchoFinder(async () => answer)({ ...entry, kind: "turn" })).toBeNull();
  // The recorded client gave its messages no ids.
  const named = JSON.parse(JSON.stringify(answer).replace(/"clientId":null(?!.*"clientId":null)/, '"clientId":"echo"')) as EchoPage;
  expect(await createEchoFinder(async () => named)({ ...entry, kind: "turn" })).toEqual({ turnId: asked!.id });
});

it("is not known where the history cannot be read", async () => {
  const finder = createEchoFinder(() => Promise.reject(new Error("not loaded")));
  await expect(finder({ commandId: "c", leaseToken: "l", threadId: "t", kind: "turn", echoId: "echo" })).rejects.toThrow("not loaded");
});
