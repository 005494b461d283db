import { describe, expect, it } from "vitest";
import { answers } from "../../js-wrapper/app-server/index.js";
import { ServerRequests, type ServerRequest, type ServerRequestEnd } from "../../js-wrapper/runtime/server-requests.js";

const COMMAND = "item/commandExecution/requestApproval";
const NOW_MS = 1_800_000_000_500;
const params = { threadId: "t", turnId: "u", itemId: "i" };

function kept() {
  const sent: unknown[] = [];
  const opened: ServerRequest[] = [];
  const closed: [id: string | number, end: ServerRequestEnd][] = [];
  const unknown: string[] = [];
  let isGone = false;
  const requests = new ServerRequests({
    send: (message) => {
      if (isGone) throw new Error("gone");
      sent.push(message);
    },
    opened: (request) => opened.push(request),
    closed: ({ id }, end) => closed.push([id, end]),
    unknown: ({ method }) => unknown.push(method),
    now: () => NOW_MS,
  });
  return { requests, sent, opened, closed, unknown, go: () => (isGone = true) };
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

  it("is refused where nobody here knows it, and answered where nobody needs to be asked", () => {
    const { requests, sent, opened, unknown } = kept();
    requests.asked({ id: 1, method: "no/such/thing", params }, { threadId: "t" });
    requests.asked({ id: 2, method: "currentTime/read" });
    expect(sent).toEqual([
      { id: 1, error: { code: -32_601, message: "`no/such/thing` is not known here" } },
      { id: 2, result: { currentTimeAt: 1_800_000_000 } },
    ]);
    expect([unknown, opened, requests.list()]).toEqual([["no/such/thing"], [], []]);
  });

  it("without a thread waits too, and goes with its process", () => {
    const { requests, closed } = kept();
    requests.asked({ id: 3, method: "account/chatgptAuthTokens/refresh", params: null });
    expect(requests.list()).toMatchObject([{ id: 3, threadId: undefined, turnId: undefined }]);
    requests.processEnded();
    expect([closed, requests.list()]).toEqual([[[3, { type: "expired" }]], []]);
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
