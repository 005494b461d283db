/** What TypeScript says of a decision is what the core decides by: of every word, for every method. */
import { describe, expect, test } from "vitest";
import type { Actor } from "../../convex/validators.js";
import { decisionsOffered, declines } from "../../js-wrapper/protocol/decisions.js";
import { api, ingestOk, OWNER, refusal, SESSION, startThread, THREAD, TURN, TurnStream } from "./build.js";

const PHONE: Actor = { ...OWNER, deviceId: "phone" };
const METHODS = ["item/commandExecution/requestApproval", "item/fileChange/requestApproval", "item/permissions/requestApproval", "execCommandApproval", "applyPatchApproval"];
const AMENDMENT = { host: "h", action: "deny" };
/** The words of `CommandExecutionApprovalDecision`, `FileChangeApprovalDecision` and `ReviewDecision`, and what only looks like one. */
const WORDS: readonly unknown[] = [
  ...["accept", "acceptForSession", "decline", "cancel", "approved", "approved_for_session", "approved_mcp_policy_amendment", "timed_out", "abort", "denied"],
  { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["ls"] } },
  { applyNetworkPolicyAmendment: { network_policy_amendment: AMENDMENT } },
  { approved_execpolicy_amendment: { proposed_execpolicy_amendment: ["ls"] } },
  { network_policy_amendment: { network_policy_amendment: AMENDMENT } },
  { denied: { rejection: "declined" } },
  { denied: null },
  { denied: { rejection: "no" }, accept: true },
  ...["Decline", "decline ", "", {}, [], ["decline"], true, 0],
];

/** What the component does with a decision that does not say what was shown. */
async function decided(method: string, availableDecisions: readonly unknown[] | undefined, decision: unknown): Promise<"declines" | "has to be shown" | "not offered"> {
  const component = await startThread();
  await component.mutation(api.sync.ensureSession, { actor: OWNER, sessionId: SESSION, threadId: THREAD, lastEventCursor: 0, runtimeId: "rt", generation: 1 });
  const turn = new TurnStream();
  const params = { threadId: THREAD, turnId: TURN, itemId: "i", ...(availableDecisions !== undefined && { availableDecisions }) };
  await ingestOk(component, [turn.started(), turn.raw(method, JSON.stringify({ method, id: 0, params }))]);
  const sent = component.mutation(api.commands.send, { actor: PHONE, threadId: THREAD, commandId: "a", kind: "decide", payloadJson: JSON.stringify({ requestId: 0, decision }) });
  if (await sent.then(() => true, () => false)) return "declines";
  const { code } = await refusal(sent);
  return code === "E_APPROVAL_CHANGED" ? "has to be shown" : "not offered";
}

const expected = (offered: readonly unknown[], decision: unknown) => {
  const isOffered = offered.some((one) => JSON.stringify(one) === JSON.stringify(decision));
  return isOffered ? (declines(decision) ? "declines" : "has to be shown") : "not offered";
};

describe.each(METHODS)("%s", (method) => {
  test("offers by itself what the core takes, and declines with what the core takes for declining", async () => {
    for (const word of WORDS) {
      expect([word, await decided(method, undefined, word)]).toEqual([word, expected(decisionsOffered(method, {}), word)]);
    }
  });

  test("declines, of all that it could offer, with what the core takes for declining", async () => {
    for (const word of WORDS) {
      expect([word, await decided(method, WORDS, word)]).toEqual([word, expected(decisionsOffered(method, { availableDecisions: WORDS }), word)]);
    }
  });
});
