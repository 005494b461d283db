/** What a request of the app-server says, in what a page needs. */
import type { CodexDecidedRequest, CodexServerRequest } from "../host/component.js";
import { decidedOn, verdictOf, type Verdict } from "../protocol/decisions.js";
import { elementsOf, fieldsOf, readJson, readObject, textOf, type Fields } from "../protocol/fields.js";

/** What a request is to a page. */
export type CodexServerRequestKind = "approval" | "question" | "elicitation" | "toolCall" | "other";

/** A question of codex to people. */
export interface CodexQuestion {
  readonly id: string;
  readonly header: string;
  readonly question: string;
  /** Another answer than the options can be given. */
  readonly isOther: boolean;
  /** Its answer is a secret: it is given at the machine. */
  readonly isSecret: boolean;
  readonly options: readonly { readonly label: string; readonly description: string }[];
}

/** A call of a tool that the app brought. */
export interface CodexToolCall {
  readonly callId: string;
  readonly namespace: string | null;
  readonly tool: string;
  readonly arguments: unknown;
}

/** A request that waits, as a page shows it. */
export interface CodexServerRequestWords {
  /** An approval is decided by `useCodexApprovals`; the others are answered. */
  readonly kind: CodexServerRequestKind;
  /** What it says: the app-server's `params`. */
  readonly params: Fields;
  /** Of a question. */
  readonly asked: readonly CodexQuestion[];
  /** Of a tool's call. */
  readonly call: CodexToolCall | undefined;
  /** An answer is taken from afar: it is no approval, and asks for no secret. */
  readonly canAnswer: boolean;
}

const KINDS: Readonly<Record<string, CodexServerRequestKind>> = {
  "item/commandExecution/requestApproval": "approval",
  "item/fileChange/requestApproval": "approval",
  "item/permissions/requestApproval": "approval",
  execCommandApproval: "approval",
  applyPatchApproval: "approval",
  "item/tool/requestUserInput": "question",
  "mcpServer/elicitation/request": "elicitation",
  "item/tool/call": "toolCall",
};

/**
 * Reads a request of the app-server for a page. What cannot be read is left out.
 *
 * @param request its method and payload, as listed
 * @returns what it is, and what it asks
 */
export function readCodexServerRequest({ method, payloadJson }: Pick<CodexServerRequest, "method" | "payloadJson">): CodexServerRequestWords {
  const kind = Object.hasOwn(KINDS, method) ? (KINDS[method] ?? "other") : "other";
  const params = paramsOf(payloadJson);
  const asked = kind === "question" ? questionsOf(params["questions"]) : [];
  const isPrivate = /^(?:account|attestation)\//.test(method);
  const canAnswer = kind !== "approval" && !isPrivate && !asked.some(({ isSecret }) => isSecret);
  return { kind, params, asked, call: kind === "toolCall" ? callOf(params) : undefined, canAnswer };
}

/** What a decision came to. `cancelled`: it did not happen, and its turn ended; `answered`: it was neither yes nor no. */
export type CodexVerdict = Verdict;

/** A decision, as a page shows it. */
export interface CodexDecisionWords {
  readonly verdict: CodexVerdict;
  /** In the app-server's own words; undefined where it was no approval. */
  readonly decision: unknown;
}

/**
 * Reads what was decided for a page.
 *
 * @param request as it was listed
 * @returns what it came to, and the decision in the app-server's own words
 */
export function readCodexDecision({ method, decisionJson, responseJson }: Pick<CodexDecidedRequest, "method" | "decisionJson" | "responseJson">): CodexDecisionWords {
  if (decisionJson !== undefined) {
    const decision = readJson(decisionJson);
    return { verdict: verdictOf(decision), decision };
  }
  const action = KINDS[method] === "elicitation" ? readObject(responseJson ?? "")?.["action"] : undefined;
  return { verdict: verdictOf(action), decision: undefined };
}

/**
 * What an approval is decided on: all that its request says, for a page that shows every part of it before it is accepted.
 *
 * @param request its payload, as listed
 * @returns the app-server's `params` without the names of what asks (ids, times), without `availableDecisions`, and without what is null;
 *   empty where the payload cannot be read
 * @example
 * ```ts
 * const { command, cwd, ...others } = codexApprovalDetails(approval);
 * ```
 */
export function codexApprovalDetails({ payloadJson }: Pick<CodexServerRequest, "payloadJson">): Record<string, unknown> {
  return decidedOn(paramsOf(payloadJson));
}

/** The `params` of a request's message; the message itself where it is nothing but them. */
export function paramsOf(payloadJson: string | undefined): Fields {
  const message = readObject(payloadJson ?? "") ?? {};
  return fieldsOf(message["params"]) ?? message;
}

function questionsOf(questions: unknown): CodexQuestion[] {
  return objectsOf(questions).map(({ id, header, question, isOther, isSecret, options }) => ({
    id: textOf(id) ?? "",
    header: textOf(header) ?? "",
    question: textOf(question) ?? "",
    isOther: isOther === true,
    isSecret: isSecret === true,
    options: objectsOf(options).map(({ label, description }) => ({ label: textOf(label) ?? "", description: textOf(description) ?? "" })),
  }));
}

function callOf({ callId, namespace, tool, arguments: given }: Fields): CodexToolCall | undefined {
  if (typeof callId !== "string" || typeof tool !== "string") return undefined;
  return { callId, namespace: textOf(namespace) ?? null, tool, arguments: given };
}

/** The objects among what may be a list. */
function objectsOf(list: unknown): Fields[] {
  return elementsOf(list).map(fieldsOf).filter((fields) => fields !== undefined);
}
