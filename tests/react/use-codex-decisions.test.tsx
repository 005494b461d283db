import { cleanup, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCodexDecision, useCodexApprovals, useCodexDecisions } from "../../js-wrapper/react/index.js";
import { api, startChat, THREAD, TURN, type ChatApp } from "./chat-app.js";
import { inStrictMode } from "./in-strict-mode.js";

const { listDecidedRequestsForHooks, listPendingApprovalsForHooks, respondApprovalForHooks } = api.chat;
const COMMAND = "item/commandExecution/requestApproval";
const SOME = { initialNumItems: 10 };

let chat: ChatApp;

beforeEach(async () => {
  chat = await startChat();
  await chat.say("turn/started", { turn: { id: TURN, status: "inProgress", items: [] } });
});
afterEach(async () => {
  cleanup();
  await chat.loopback.close();
});

async function open(threadId = THREAD) {
  const { result } = renderHook(
    () => ({
      approvals: useCodexApprovals(listPendingApprovalsForHooks, { threadId }, respondApprovalForHooks, SOME),
      decisions: useCodexDecisions(listDecidedRequestsForHooks, { threadId }, SOME),
    }),
    { wrapper: inStrictMode(chat.loopback.connect()) },
  );
  await chat.settle();
  return result;
}

describe("what was decided", () => {
  it("is there as soon as it is decided, newest first, with what it asked and what it came to", async () => {
    await chat.ask(COMMAND, { command: "ls" }, 0, TURN, "item_1");
    await chat.ask(COMMAND, { command: "rm" }, 1, TURN, "item_2");
    const page = await open();
    expect([page.current.decisions.results, page.current.decisions.status]).toEqual([[], "Exhausted"]);
    await chat.does(() => page.current.approvals.decline(page.current.approvals.results.find(({ itemId }) => itemId === "item_1")!));
    const [first] = page.current.decisions.results;
    expect(first).toMatchObject({ requestId: 0, kind: "approval", verdict: "declined", decision: "decline", status: "answering", params: { command: "ls" } });
    expect(first!.decidedAt).toBeGreaterThan(0);

    await chat.does(() => page.current.approvals.accept(page.current.approvals.results[0]!));
    expect(page.current.decisions.results).toMatchObject([{ requestId: 1, verdict: "accepted" }, { requestId: 0 }]);
    // What did not change is the same object.
    expect(page.current.decisions.results[1]).toBe(first);
  });

  it("of a thread that is not there is nothing, and no error", async () => {
    const page = await open("th_other");
    expect(page.current.decisions.results).toEqual([]);
    expect(page.current.decisions.error).toBeUndefined();
  });
});

describe("a decision in words", () => {
  const deny = { network_policy_amendment: { host: "example.com", action: "deny" } };
  it.each([
    [{ decisionJson: '"accept"' }, "accepted"],
    [{ decisionJson: '"acceptForSession"' }, "accepted"],
    [{ decisionJson: '{"acceptWithExecpolicyAmendment":{"execpolicy_amendment":["ls"]}}' }, "accepted"],
    [{ decisionJson: '{"approved_execpolicy_amendment":{"proposed_execpolicy_amendment":["ls"]}}' }, "accepted"],
    [{ decisionJson: '{"applyNetworkPolicyAmendment":{"network_policy_amendment":{"host":"a","action":"allow"}}}' }, "accepted"],
    [{ decisionJson: JSON.stringify({ applyNetworkPolicyAmendment: deny }) }, "declined"],
    [{ decisionJson: JSON.stringify({ network_policy_amendment: deny }) }, "declined"],
    [{ decisionJson: '"decline"' }, "declined"],
    [{ decisionJson: '{"denied":{"rejection":"no"}}' }, "declined"],
    [{ decisionJson: '"cancel"' }, "cancelled"],
    [{ decisionJson: '"abort"' }, "cancelled"],
    // What nobody knows is not said to be a yes.
    [{ decisionJson: '"constructor"' }, "answered"],
    [{ decisionJson: "[" }, "answered"],
    [{ method: "mcpServer/elicitation/request", responseJson: '{"action":"accept","content":{}}' }, "accepted"],
    [{ method: "mcpServer/elicitation/request", responseJson: '{"action":"decline"}' }, "declined"],
    [{ method: "item/tool/requestUserInput", responseJson: '{"action":"accept"}' }, "answered"],
    [{ method: "item/tool/requestUserInput" }, "answered"],
  ] as const)("%j is %s", (request, verdict) => {
    expect(readCodexDecision({ method: COMMAND, ...request }).verdict).toBe(verdict);
  });
});
