/**
 * What decisions on approvals are, in the words of every version of the app-server.
 *
 * SOURCE: src/request/approval.rs, which the server decides by; tests/convex/decision-words.test.ts holds the two together.
 */
import { fieldsOf, type Fields } from "./fields.js";

/** Words that let nothing happen; `denied` is an older app-server's. */
const DECLINING: ReadonlySet<string> = new Set(["decline", "cancel", "abort", "denied"]);

/**
 * Whether a decision lets nothing happen: whoever decides so need not say what was shown.
 *
 * @param decision as the app-server writes it: a word, or an object of one member
 */
export function declines(decision: unknown): boolean {
  if (typeof decision === "string") return DECLINING.has(decision);
  return Object.keys(fieldsOf(decision) ?? {}).join() === "denied";
}

/**
 * Whether what a client wishes lets nothing happen.
 *
 * @param wish `accepted`, `declined`, or a decision as the app-server writes it, as JSON
 */
export function wishDeclines(wish: string | { readonly json: string }): boolean {
  if (typeof wish === "string") return wish === "declined";
  try {
    return declines(JSON.parse(wish.json));
  } catch {
    return false;
  }
}

/** What stands for a secret begins so. SOURCE: `src/redact.rs`. */
const REDACTED = "[redacted:";

/** Whether a message, or a part of one, does not say all that it said: from afar it cannot be agreed to. */
export function isRedacted(text: string): boolean {
  return text.includes(REDACTED);
}

/** How the methods of before are declined: the text goes to the model. */
const OLD_DECLINE = { denied: { rejection: "declined" } };

/**
 * What can be decided, in the app-server's own words.
 *
 * @param method of the request
 * @param params of the request
 * @returns its `availableDecisions`; those of its method where it names none
 */
export function decisionsOffered(method: string, { availableDecisions }: Fields): unknown[] {
  if (Array.isArray(availableDecisions)) return availableDecisions;
  switch (method) {
    case "execCommandApproval":
    case "applyPatchApproval":
      return ["approved", "approved_for_session", OLD_DECLINE, "abort"];
    case "item/permissions/requestApproval":
      return ["accept", "acceptForSession", "decline"];
    default:
      return ["accept", "acceptForSession", "decline", "cancel"];
  }
}

/** What a decision came to. `cancelled`: it did not happen, and its turn ended; `answered`: it was neither yes nor no. */
export type Verdict = "accepted" | "declined" | "cancelled" | "answered";

const VERDICTS = new Map<string, Verdict>([
  ["accept", "accepted"],
  ["acceptForSession", "accepted"],
  ["acceptWithExecpolicyAmendment", "accepted"],
  ["applyNetworkPolicyAmendment", "accepted"],
  ["approved", "accepted"],
  ["approved_execpolicy_amendment", "accepted"],
  ["approved_for_session", "accepted"],
  ["approved_mcp_policy_amendment", "accepted"],
  ["network_policy_amendment", "accepted"],
  ["decline", "declined"],
  ["denied", "declined"],
  ["cancel", "cancelled"],
  ["abort", "cancelled"],
  ["timed_out", "cancelled"],
]);

/**
 * What a decision comes to. A rule that lets no host be reached declines, and is a rule all the same: {@link declines} is not true of it.
 *
 * @param decision as the app-server writes it
 * @returns `answered` of what is none of its words
 */
export function verdictOf(decision: unknown): Verdict {
  const [[name, details] = []] = typeof decision === "string" ? [[decision]] : Object.entries(fieldsOf(decision) ?? {});
  const isDenied = fieldsOf(fieldsOf(details)?.["network_policy_amendment"])?.["action"] === "deny";
  return isDenied ? "declined" : (VERDICTS.get(name ?? "") ?? "answered");
}

/** What of a request's params names it, and is nothing to decide on. */
const NAMES: ReadonlySet<string> = new Set(["threadId", "turnId", "itemId", "conversationId", "callId", "approvalId", "startedAtMs", "availableDecisions"]);

/**
 * What is decided on: all that a request says of what it asks for.
 *
 * @param params of the request
 * @returns them without the names of what asks, the decisions, and what is null
 */
export function decidedOn(params: Fields): Record<string, unknown> {
  return Object.fromEntries(Object.entries(params).filter(([name, value]) => !NAMES.has(name) && value !== null));
}
