/**
 * What a message of a thread means, one question a function: of a message, or of an event's kind and `payloadJson` as the bridge and
 * `readers.replay` have them. Each answers null where the message says nothing of the kind, or cannot be read; none throws.
 */
import { extractThreadId, extractTurnId, paramsOf } from "./classify.js";
import { REASONING_DELTAS, TEXT_DELTAS } from "./delta-kinds.js";
import { fieldsOf, readObject, textOf } from "./fields.js";
import { type CanonicalMessageRole, readItem } from "./item.js";
import type { CodexWireMessage, RpcId } from "./messages.js";
import type { MessageOutcome } from "./outcome.js";

/** How a turn ended. */
export interface CanonicalTerminalStatus {
  readonly status: MessageOutcome;
  /** What went wrong, in the app-server's words. */
  readonly error?: string;
}

/** A decision that Codex waits for. */
export interface CanonicalApprovalRequest {
  /** Unique in one process of the app-server; 0 is one. */
  readonly requestId: RpcId;
  readonly kind: "commandExecution" | "fileChange" | "permissions";
  readonly threadId: string;
  /** Absent in the legacy requests. */
  readonly turnId?: string;
  /** The item that is asked about; several requests may ask about one. */
  readonly itemId: string;
  readonly reason?: string;
}

/** What is known of the end of an approval. */
export type CanonicalApprovalResolution =
  /** The request was answered, or is no longer asked; how it was decided is not said. */
  | { readonly by: "request"; readonly threadId: string; readonly requestId: RpcId }
  /** The item was declined. That an item ran says nothing: it may never have been asked about. */
  | { readonly by: "item"; readonly threadId: string; readonly turnId?: string; readonly itemId: string; readonly decision: "declined" };

/** An item as it is at one place of its stream. */
export interface CanonicalItemSnapshot {
  readonly itemId: string;
  readonly itemType: string;
  readonly turnId?: string;
  readonly status: "inProgress" | MessageOutcome;
  /** The item, as the app-server gave it. */
  readonly payloadJson: string;
  /** Where the event that brought it ends. */
  readonly cursorEnd: number;
}

/** A finished item as the message that it is. */
export interface CanonicalDurableMessage {
  /** The item's id. Codex may use one again, in the same turn too; the component then tells the messages apart. */
  readonly messageId: string;
  readonly turnId?: string;
  readonly role: CanonicalMessageRole;
  readonly status: MessageOutcome;
  readonly sourceItemType: string;
  readonly text: string;
  /** The item, as the app-server gave it. */
  readonly payloadJson: string;
}

/** A piece of a message's text. */
export interface CanonicalDurableMessageDelta {
  readonly messageId: string;
  readonly turnId?: string;
  readonly role: CanonicalMessageRole;
  readonly sourceItemType: "agentMessage" | "plan";
  readonly delta: string;
}

/** A piece of reasoning. */
export interface CanonicalReasoningDelta {
  readonly itemId: string;
  readonly turnId?: string;
  /** The summary of what the model thought, or the thoughts themselves. */
  readonly channel: "summary" | "raw";
  /** A `sectionBreak` begins the next part of a summary and has no text. */
  readonly segmentType: "textDelta" | "sectionBreak";
  readonly delta: string;
  readonly summaryIndex?: number;
  readonly contentIndex?: number;
}

const APPROVALS: ReadonlyMap<string | undefined, CanonicalApprovalRequest["kind"]> = new Map([
  ["item/commandExecution/requestApproval", "commandExecution"],
  ["execCommandApproval", "commandExecution"],
  ["item/fileChange/requestApproval", "fileChange"],
  ["applyPatchApproval", "fileChange"],
  ["item/permissions/requestApproval", "permissions"],
]);

/** The turn that an event names. */
export function turnIdForPayload(kind: string, payloadJson: string): string | null {
  return ofPayload(kind, payloadJson, (message) => extractTurnId(message) ?? null);
}

/** How a message ends its turn: `turn/completed`, and an `error` that Codex does not try again. */
export function terminalStatusForMessage(message: CodexWireMessage): CanonicalTerminalStatus | null {
  const method = methodOf(message);
  const params = paramsOf(message);
  if (method === "turn/completed") {
    const turn = fieldsOf(params?.["turn"]);
    const said = textOf(turn?.["status"]);
    if (said === undefined || extractTurnId(message) === undefined) return null;
    const error = textOf(fieldsOf(turn?.["error"])?.["message"]);
    const status = said === "failed" || said === "interrupted" ? said : "completed";
    return { status, ...(error === undefined ? {} : { error }) };
  }
  const error = textOf(fieldsOf(params?.["error"])?.["message"]);
  if (method !== "error" || error === undefined || params?.["willRetry"] === true) return null;
  return { status: "failed", error };
}

/** See {@link terminalStatusForMessage}. */
export function terminalStatusForPayload(kind: string, payloadJson: string): CanonicalTerminalStatus | null {
  return ofPayload(kind, payloadJson, terminalStatusForMessage);
}

/** The decision that a message asks for. */
export function approvalRequestForMessage(message: CodexWireMessage): CanonicalApprovalRequest | null {
  const kind = APPROVALS.get(methodOf(message));
  const params = paramsOf(message);
  const threadId = extractThreadId(message);
  const itemId = textOf(params?.["itemId"]) ?? textOf(params?.["callId"]);
  const requestId = "id" in message ? idOf(message.id) : undefined;
  if (kind === undefined || threadId === undefined || itemId === undefined || requestId === undefined) return null;
  const reason = textOf(params?.["reason"]);
  return { requestId, kind, threadId, ...turnOf(message), itemId, ...(reason === undefined ? {} : { reason }) };
}

/** See {@link approvalRequestForMessage}. */
export function approvalRequestForPayload(kind: string, payloadJson: string): CanonicalApprovalRequest | null {
  return ofPayload(kind, payloadJson, approvalRequestForMessage);
}

/** What a message says of the end of an approval, or of another request of the app-server. */
export function approvalResolutionForMessage(message: CodexWireMessage): CanonicalApprovalResolution | null {
  const threadId = extractThreadId(message);
  const params = paramsOf(message);
  if (threadId === undefined) return null;
  switch (methodOf(message)) {
    case "serverRequest/resolved": {
      const requestId = idOf(params?.["requestId"]);
      return requestId === undefined ? null : { by: "request", threadId, requestId };
    }
    case "item/completed": {
      const item = fieldsOf(params?.["item"]);
      const itemId = textOf(item?.["id"]);
      if (itemId === undefined || item?.["status"] !== "declined") return null;
      return { by: "item", threadId, ...turnOf(message), itemId, decision: "declined" };
    }
    default:
      return null;
  }
}

/** See {@link approvalResolutionForMessage}. */
export function approvalResolutionForPayload(kind: string, payloadJson: string): CanonicalApprovalResolution | null {
  return ofPayload(kind, payloadJson, approvalResolutionForMessage);
}

/** The item that a message begins or ends. @param cursorEnd where the message's event ends */
export function itemSnapshotForMessage(message: CodexWireMessage, cursorEnd: number): CanonicalItemSnapshot | null {
  const method = methodOf(message);
  const json = paramsOf(message)?.["item"];
  const item = readItem(json);
  if (item === undefined || (method !== "item/started" && method !== "item/completed")) return null;
  const status = method === "item/started" ? "inProgress" : item.outcome;
  return { itemId: item.id, itemType: item.type, ...turnOf(message), status, payloadJson: JSON.stringify(json), cursorEnd };
}

/** See {@link itemSnapshotForMessage}. */
export function itemSnapshotForPayload(kind: string, payloadJson: string, cursorEnd: number): CanonicalItemSnapshot | null {
  return ofPayload(kind, payloadJson, (message) => itemSnapshotForMessage(message, cursorEnd));
}

/** The message that a finished item is. */
export function durableMessageForMessage(message: CodexWireMessage): CanonicalDurableMessage | null {
  const json = paramsOf(message)?.["item"];
  const item = methodOf(message) === "item/completed" ? readItem(json) : undefined;
  if (item === undefined) return null;
  const { id, type, role, text, outcome } = item;
  return { messageId: id, ...turnOf(message), role, status: outcome, sourceItemType: type, text, payloadJson: JSON.stringify(json) };
}

/** See {@link durableMessageForMessage}. */
export function durableMessageForPayload(kind: string, payloadJson: string): CanonicalDurableMessage | null {
  return ofPayload(kind, payloadJson, durableMessageForMessage);
}

/** The piece of an agent's text, or of a plan's, that a message brings. */
export function durableMessageDeltaForMessage(message: CodexWireMessage): CanonicalDurableMessageDelta | null {
  const sourceItemType = TEXT_DELTAS.get(methodOf(message));
  const params = paramsOf(message);
  const [messageId, delta] = [textOf(params?.["itemId"]), textOf(params?.["delta"])];
  if (sourceItemType === undefined || messageId === undefined || delta === undefined) return null;
  return { messageId, ...turnOf(message), role: "assistant", sourceItemType, delta };
}

/** See {@link durableMessageDeltaForMessage}. */
export function durableMessageDeltaForPayload(kind: string, payloadJson: string): CanonicalDurableMessageDelta | null {
  return ofPayload(kind, payloadJson, durableMessageDeltaForMessage);
}

/** The piece of reasoning that a message brings. */
export function reasoningDeltaForMessage(message: CodexWireMessage): CanonicalReasoningDelta | null {
  const named = REASONING_DELTAS.get(methodOf(message));
  const params = paramsOf(message);
  const itemId = textOf(params?.["itemId"]);
  const delta = named?.segmentType === "sectionBreak" ? "" : textOf(params?.["delta"]);
  if (named === undefined || itemId === undefined || delta === undefined) return null;
  return { itemId, ...turnOf(message), ...named, delta, ...placeOf(params, "summaryIndex"), ...placeOf(params, "contentIndex") };
}

/** See {@link reasoningDeltaForMessage}. */
export function reasoningDeltaForPayload(kind: string, payloadJson: string): CanonicalReasoningDelta | null {
  return ofPayload(kind, payloadJson, reasoningDeltaForMessage);
}

/** Asks of a payload, where it is the message that its kind says. */
function ofPayload<Answer>(kind: string, payloadJson: string, ask: (message: CodexWireMessage) => Answer | null): Answer | null {
  const message = readObject(payloadJson);
  return message?.["method"] === kind ? ask(message as unknown as CodexWireMessage) : null;
}

function methodOf(message: CodexWireMessage): string | undefined {
  return "method" in message ? message.method : undefined;
}

function turnOf(message: CodexWireMessage): { turnId?: string } {
  const turnId = extractTurnId(message);
  return turnId === undefined ? {} : { turnId };
}

function idOf(id: unknown): RpcId | undefined {
  return typeof id === "string" || (typeof id === "number" && Number.isSafeInteger(id)) ? id : undefined;
}

function placeOf<Key extends "summaryIndex" | "contentIndex">(params: ReturnType<typeof paramsOf>, key: Key): Partial<Record<Key, number>> {
  const place = params?.[key];
  return typeof place === "number" ? ({ [key]: place } as Record<Key, number>) : {};
}
