/** Messages as lines, and back: what is a message and what is none. */
import { CodexProtocolParseError, CodexProtocolSendError, cutLine } from "./errors.js";
import { fieldsOf } from "./fields.js";
import type { ClientOutboundWireMessage, ServerInboundMessage } from "./messages.js";

/**
 * Reads a line of the app-server: JSON.parse, and whether it is a message. What the message says is not checked.
 *
 * @param line one JSON value, without a line end
 * @throws CodexProtocolParseError `E_BRIDGE_LINE_NOT_JSON`, or `E_BRIDGE_LINE_NOT_A_MESSAGE` of what has neither a method nor an id
 */
export function parseWireMessage(line: string): ServerInboundMessage {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new CodexProtocolParseError(`line is not JSON: ${why}`, cutLine(line), "E_BRIDGE_LINE_NOT_JSON");
  }
  const fields = fieldsOf(message);
  const isMessage = fields !== undefined && ("method" in fields ? typeof fields["method"] === "string" : "id" in fields);
  if (!isMessage) throw new CodexProtocolParseError("line is no object with a method or an id", cutLine(line));
  return message as ServerInboundMessage;
}

/**
 * Whether a message can be sent: a method with or without an id, or an id with either a result or an error. That a method takes its
 * params is not checked.
 *
 * @throws CodexProtocolSendError `E_BRIDGE_MESSAGE_INVALID`
 */
export function assertValidClientMessage(message: unknown): asserts message is ClientOutboundWireMessage {
  const fields = fieldsOf(message);
  if (fields === undefined) throw new CodexProtocolSendError("a message is an object");
  const { method, id } = fields;
  if (method !== undefined) {
    if (typeof method !== "string" || method === "") throw new CodexProtocolSendError("a message's method is a text");
    if (id !== undefined && !isId(id)) throw new CodexProtocolSendError(`the id of \`${method}\` is neither a text nor an integer`);
    return;
  }
  if (!isId(id)) throw new CodexProtocolSendError("a message has a method, or answers an id that is a text or an integer");
  const { result, error } = fields;
  if ((result === undefined) === (error === undefined)) throw new CodexProtocolSendError("an answer has either a result or an error");
  if (error !== undefined && !isError(error)) throw new CodexProtocolSendError("an error has an integer as its code, and a message");
}

/** JSON has no other integers that come back as they went. */
function isId(id: unknown): boolean {
  return typeof id === "string" || Number.isSafeInteger(id);
}

function isError(error: unknown): boolean {
  const fields = fieldsOf(error);
  return Number.isSafeInteger(fields?.["code"]) && typeof fields?.["message"] === "string";
}
