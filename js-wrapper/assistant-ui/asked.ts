/** What codex waits for, where assistant-ui has a place for it: the approval of a tool's call. */
import type { RespondToToolApprovalOptions, ToolApprovalOption } from "@assistant-ui/react";
import type { CodexApproval, CodexApprovalDecision } from "../host/component.js";
import { declines } from "../protocol/decisions.js";
import { codexRequestKey } from "../react/request-item.js";
import { codexApprovalDetails } from "../react/request-words.js";
import { codexApprovalDecisions } from "../react/use-codex-approvals.js";
import type { CodexServerRequestView } from "../react/use-codex-server-requests.js";
import { argsOf, isFields, type ToolCallPart } from "./parts.js";

/** An approval that waits, as `useCodex` lists it. */
export type AskedApproval = Pick<CodexApproval, "threadId" | "turnId" | "itemId" | "kind" | "requestId" | "method" | "payloadJson" | "createdAt">;
/** A question that waits, as `useCodex` lists it. */
export type AskedQuestion = Pick<CodexServerRequestView, "threadId" | "turnId" | "itemId" | "requestId" | "createdAt" | "method" | "kind" | "status" | "asked" | "canAnswer" | "isAnswering" | "answerCommandId">;

/** What waits, and the part that shows it. */
export interface Asked {
  readonly row: AskedApproval | AskedQuestion;
  readonly turnId: string;
  readonly part: ToolCallPart & { readonly approval: NonNullable<ToolCallPart["approval"]> };
}

const LABELS = new Map<unknown, string>([
  ["accept", "Accept"],
  ["approved", "Accept"],
  ["acceptForSession", "Accept, and do not ask again in this session"],
  ["approved_for_session", "Accept, and do not ask again in this session"],
  ["decline", "Decline"],
  ["cancel", "Decline, and stop the turn"],
  ["abort", "Decline, and stop the turn"],
]);
const KINDS = new Map<unknown, ToolApprovalOption["kind"]>([
  ["accept", "allow-once"],
  ["approved", "allow-once"],
  ["acceptForSession", "allow-always"],
  ["approved_for_session", "allow-always"],
  ["decline", "reject-once"],
  ["cancel", "reject-once"],
  ["abort", "reject-once"],
]);

/** An approval as a tool's call that waits. Its arguments are what is decided on: all that the request says, and no more. */
export function askedApproval(row: AskedApproval): Asked {
  const { turnId, kind } = row;
  const id = codexRequestKey(row);
  const options = codexApprovalDecisions(row).map(optionOf);
  return { row, turnId, part: { type: "tool-call", toolCallId: id, toolName: kind, ...argsOf(codexApprovalDetails(row)), artifact: { request: row }, approval: { id, options } } };
}

/** Questions as a tool's call that waits for the answers to them. */
export function askedQuestion(row: AskedQuestion): Asked {
  const { turnId, asked } = row;
  const id = codexRequestKey(row);
  const questions = asked.map(({ id: questionId, header, question, isOther, options }) => ({
    id: questionId,
    header,
    prompt: question,
    // Codex takes an answer by its words.
    ...(options.length > 0 && { options: options.map(({ label, description }) => ({ id: label, label, description })) }),
    allowFreeform: isOther || options.length === 0,
  }));
  const approval = { id, display: "questions", questions } as const;
  return { row, turnId, part: { type: "tool-call", toolCallId: id, toolName: "requestUserInput", ...argsOf({ questions }), artifact: { request: row }, approval } };
}

/**
 * Whether a request is one that a page can put to people, and that nobody has answered.
 *
 * @param failed the commands that came to nothing: an answer among them is none
 */
export function isOpenQuestion({ kind, status, canAnswer, isAnswering, answerCommandId, asked }: AskedQuestion, failed: ReadonlySet<string>): boolean {
  const isAnswered = isAnswering || (answerCommandId !== undefined && !failed.has(answerCommandId));
  return kind === "question" && status === "pending" && canAnswer && !isAnswered && asked.length > 0;
}

/**
 * What a response decides, in the words of `useCodexApprovals`.
 *
 * @param approval what was shown
 * @param response one of its options, or, without one, yes or no
 */
export function decisionOf(approval: AskedApproval, { approved, optionId }: Pick<RespondToToolApprovalOptions, "approved" | "optionId">): CodexApprovalDecision {
  const decision = codexApprovalDecisions(approval).find((offered) => JSON.stringify(offered) === optionId);
  if (optionId !== undefined && decision === undefined) throw new Error(`\`${optionId}\` is not among the decisions that are offered`);
  if (decision === undefined) return approved ? "accepted" : "declined";
  if (decision === "accept" || decision === "approved") return "accepted";
  return decision === "decline" || isDenial(decision) ? "declined" : { json: JSON.stringify(decision) };
}

/** The answers to questions, in the words of `useCodexServerRequests`. */
export function answersOf({ answers = {} }: Pick<RespondToToolApprovalOptions, "answers">): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(answers).map(([id, { optionIds = [], text }]) => [id, [...optionIds, ...(text === undefined || text.trim() === "" ? [] : [text])]]),
  );
}

function optionOf(decision: unknown): ToolApprovalOption {
  const id = JSON.stringify(decision);
  const kind = KINDS.get(decision);
  if (kind !== undefined) return { id, kind, label: LABELS.get(decision) ?? id };
  if (isDenial(decision)) return { id, kind: "reject-once", label: "Decline" };
  // Another grant, whose whole content is shown, and confirmed. What has no words here is no kind of the library's: nothing resolves it by itself.
  const [entry] = isFields(decision) ? Object.entries(decision) : [];
  if (entry === undefined) return { id, kind: "_other", label: id, confirm: true };
  const [name, details] = entry;
  return { id, kind: name.startsWith("accept") ? "allow-always" : "_other", label: name, grants: [JSON.stringify(details)], confirm: true };
}

/** A decline in the words of the methods of before. */
function isDenial(decision: unknown): boolean {
  return isFields(decision) && declines(decision);
}
