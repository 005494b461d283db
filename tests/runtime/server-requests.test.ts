import { describe, expect, it } from "vitest";
import { answers } from "../../js-wrapper/app-server/index.js";
import { ServerRequests, type ServerRequest, type ServerRequestActions, type ServerRequestEnd, type Threadless } from "../../js-wrapper/runtime/server-requests.js";

const COMMAND = "item/commandExecution/requestApproval";
const NOW_MS = 1_800_000_000_500;
const params = { threadId: "t", turnId: "u", itemId: "i" };

function kept(threadless: Threadless = "waits") {
  const sent: unknown[] = [];
  const opened: ServerRequest[] = [];
  const closed: [id: string | number, end: ServerRequestEnd][] = [];
  const refused: string[] = [];
  let isGone = false;
  const actions: ServerRequestActions = {
    send: (message) => {
      if (isGone) throw new Error("gone");
      sent.push(message);
    },
    opened: (request) => opened.push(request),
    closed: ({ id }, end) => closed.push([id, end]),
    refused: ({ method }) => refused.push(method),
    now: () => NOW_MS,
  };
  const requests = new ServerRequests(actions, threadless);
  return { requests, sent, opened, closed, refused, go: () => (isGone = true) };
}

describe("a request of the app-server", () => {
  it("waits until it is answered, once", () => {
    const { requests, sent, opened, closed } = kept();
    requests.asked({ id: 0, method: COMMAND, params }, { threadId: "t" });
    const payloadJson = JSON.stringify({ id: 0, method: COMMAND, params });
    const request = { id: 0, method: COMMAND, params, payloadJson, threadId: "t", turnId: "u", itemId: "i", askedAt: NOW_MS };
    expect([opened, requests.list(), requests.list("t"), requests.list("s"), requests.get(0)]).toEqual([[request], [request], [request], [], request]);
    expect([requests.answer(0, { decision: "accept" }), requests.answer(0, { decision: "decline" }), requests.answer("0", {})]).toEqual([true, false, false]);
    expect([sent, closed, requests.list()]).toEqual([[{ id: 0, result: { decision: "accept" } }], [[0, { type: "answered", result: { decision: "accept" } }]], []]);
  });

  it("waits still where its answer could not be sent", () => {
    const { requests, closed, go } = kept();
    requests.asked({ id: 0, method: COMMAND, params }, { threadId: "t" });
    go();
    expect(() => requests.answer(0, {})).toThrow("gone");
    expect([requests.list().length, closed]).toEqual([1, []]);
  });

  it("that is nobody's to decide is none that failed where codex is gone before its answer: its thread's events would wait for it", () => {
    const { requests, go } = kept("refused");
    go();
    expect(requests.asked({ id: 1, method: "no/such/thing", params }, { threadId: "t" })).toBe(true);
    expect(requests.asked({ id: 2, method: "currentTime/read", params }, { threadId: "t" })).toBe(true);
    expect(requests.list()).toEqual([]);
  });

  it("is refused where nobody here knows it, and answered where nobody needs to be asked", () => {
    const { requests, sent, opened, refused } = kept();
    requests.asked({ id: 1, method: "no/such/thing", params }, { threadId: "t" });
    requests.asked({ id: 2, method: "currentTime/read" });
    expect(sent).toEqual([
      { id: 1, error: { code: -32_601, message: "`no/such/thing` is not known here" } },
      { id: 2, result: { currentTimeAt: 1_800_000_000 } },
    ]);
    expect([refused, opened, requests.list()]).toEqual([["no/such/thing"], [], []]);
  });

  it("without a thread waits where the app hears of it, and goes with its process", () => {
    const { requests, closed, refused } = kept("waits");
    requests.asked({ id: 3, method: "account/chatgptAuthTokens/refresh", params: null });
    expect(requests.list()).toMatchObject([{ id: 3, threadId: undefined, turnId: undefined }]);
    requests.processEnded();
    expect([closed, requests.list(), refused]).toEqual([[[3, { type: "expired" }]], [], []]);
  });

  it.each<[Threadless, object[], string[]]>([
    ["refused", [{ id: 3, error: { code: -32_601, message: "nobody here answers `attestation/generate`" } }], ["attestation/generate"]],
    ["left", [], []],
  ])("without a thread is %s where nobody hears of it; with one it waits all the same", (threadless, answers, told) => {
    const { requests, sent, opened, refused } = kept(threadless);
    requests.asked({ id: 3, method: "attestation/generate", params: {} });
    expect([sent, refused, opened, requests.answer(3, { token: "t" })]).toEqual([answers, told, [], false]);
    requests.asked({ id: 2, method: "currentTime/read" });
    requests.asked({ id: 4, method: "attestation/generate", params: {} }, { threadId: "t" });
    expect([sent.length, requests.list().map(({ id }) => id)]).toEqual([answers.length + 1, [4]]);
  });

  it("is refused by who decides that nobody answers it, once: it has expired, and is told as that", () => {
    const { requests, sent, closed, refused, go } = kept();
    requests.asked({ id: 0, method: COMMAND, params }, { threadId: "t" });
    const error = { code: -32_000, message: "no" };
    expect([requests.refuse(0, error), requests.refuse(0, error), requests.answer(0, {}), requests.refuse("0", error)]).toEqual([true, false, false, false]);
    expect([sent, closed, requests.list(), refused]).toEqual([[{ id: 0, error }], [[0, { type: "expired" }]], [], []]);
    requests.asked({ id: 1, method: COMMAND, params }, { threadId: "t" });
    go();
    expect(() => requests.refuse(1, error)).toThrow("gone");
    expect(requests.list()).toHaveLength(1);
  });

  it("that the app-server takes back waits no longer, and is not answered", () => {
    const { requests, sent, closed } = kept();
    requests.asked({ id: 0, method: COMMAND, params }, { threadId: "t" });
    requests.resolved(7);
    requests.resolved(0);
    requests.resolved(0);
    expect([sent, closed]).toEqual([[], [[0, { type: "expired" }]]]);
  });
});

describe("the end of a turn", () => {
  it.each([
    [COMMAND, { result: { decision: "cancel" } }],
    ["item/fileChange/requestApproval", { result: { decision: "cancel" } }],
    ["item/permissions/requestApproval", { result: { permissions: {}, scope: "turn" } }],
    ["mcpServer/elicitation/request", { result: { action: "cancel", content: null, _meta: null } }],
    ["item/tool/requestUserInput", { result: { answers: {} } }],
    ["item/tool/call", { result: { success: false, contentItems: [] } }],
    ["applyPatchApproval", { result: { decision: "abort" } }],
    ["execCommandApproval", { result: { decision: "abort" } }],
    ["attestation/generate", { error: { code: -32_601, message: "nobody answered" } }],
    ["account/chatgptAuthTokens/refresh", { error: { code: -32_601, message: "nobody answered" } }],
  ])("withdraws %s", (method, answer) => {
    const { requests, sent, closed } = kept();
    requests.asked({ id: 0, method, params }, { threadId: "t" });
    requests.turnEnded("t", "u");
    expect([sent, closed]).toEqual([[{ id: 0, ...answer }], [[0, { type: "expired" }]]]);
  });

  it("knows what every request is withdrawn with, but for the one that is answered at once", () => {
    const { requests, sent } = kept();
    const methods = Object.keys(answers).filter((method) => method !== "currentTime/read");
    for (const [id, method] of methods.entries()) requests.asked({ id, method, params }, { threadId: "t" });
    requests.turnEnded("t", "u");
    expect(sent).toHaveLength(10);
  });

  it("leaves what another turn or thread asked, and what could not be withdrawn waits no longer", () => {
    const { requests, closed, go } = kept();
    requests.asked({ id: 0, method: COMMAND, params }, { threadId: "t" });
    requests.asked({ id: 1, method: COMMAND, params: { ...params, turnId: "v" } }, { threadId: "t" });
    requests.asked({ id: 2, method: COMMAND, params }, { threadId: "s" });
    go();
    requests.turnEnded("t", "u");
    expect([closed.map(([id]) => id), requests.list().map(({ id }) => id)]).toEqual([[0], [1, 2]]);
  });
});
