/// <reference lib="es2024.string" />
/**
 * What a message is and whose it is, as `classifyLine` of the core says it of its line: a test holds the two together. The core reads
 * lines without parsing them whole; this is for a message that is parsed already, and for a browser without the core.
 */
import { type Fields, fieldsOf } from "./fields.js";
import type { ClassifiedMessage, CodexWireMessage } from "./messages.js";
import type { ServerNotification, ServerNotificationMethod, ServerRequest, ServerRequestMethod } from "./typed.js";

/**
 * Says what a message is: the answer to a request, a message of a thread, or one of the whole process.
 *
 * @param message as `parseWireMessage` read it
 */
export function classifyMessage(message: CodexWireMessage): ClassifiedMessage {
  if (!("method" in message)) return { type: "response" };
  const method = message.method.toWellFormed();
  const request = "id" in message;
  const threadId = extractThreadId(message);
  if (threadId === undefined) return { type: "global", method, request };
  const turnId = extractTurnId(message);
  return { type: "event", kind: method, threadId, ...(turnId === undefined ? {} : { turnId }), request };
}

/** The thread that a message is of: `threadId`, `thread.id`, or `conversationId` of the legacy approvals. */
export function extractThreadId(message: CodexWireMessage): string | undefined {
  const params = paramsOf(message);
  return idOf(params?.["threadId"]) ?? idOf(fieldsOf(params?.["thread"])?.["id"]) ?? idOf(params?.["conversationId"]);
}

/** The turn that a message is of: `turnId`, or `turn.id`. */
export function extractTurnId(message: CodexWireMessage): string | undefined {
  const params = paramsOf(message);
  return idOf(params?.["turnId"]) ?? idOf(fieldsOf(params?.["turn"])?.["id"]);
}

/** Always undefined: streams are numbered by the bridge, and no message names one. */
export function extractStreamId(_message: CodexWireMessage): string | undefined {
  return undefined;
}

/** The kind of an event of this method: the method itself, whatever it is. */
export function normalizeEventKind(method: string): string {
  return method;
}

/**
 * Whether a message is this notification of the app-server. Its params have their type by the app-server's word.
 *
 * @example
 * ```ts
 * if (isServerNotification(message, "command/exec/outputDelta")) write(message.params.processId, message.params.deltaBase64);
 * ```
 */
export function isServerNotification<M extends ServerNotificationMethod>(message: CodexWireMessage, method: M): message is ServerNotification<M> {
  return "method" in message && message.method === method && !("id" in message);
}

/** Whether a message is this request of the app-server, which waits for an answer. */
export function isServerRequest<M extends ServerRequestMethod>(message: CodexWireMessage, method: M): message is ServerRequest<M> {
  return "method" in message && message.method === method && "id" in message;
}

/** What a message says, if that is an object. */
export function paramsOf(message: CodexWireMessage): Fields | undefined {
  return "params" in message ? fieldsOf(message.params) : undefined;
}

function idOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.toWellFormed() : undefined;
}
