/// <reference lib="es2024.string" />
import { messageOf } from "../coded-error.js";
import { assertValidClientMessage, type ClientOutboundWireMessage, CodexProtocolSendError } from "../protocol/index.js";

/**
 * One line for the app-server, which ignores a line that holds half a surrogate pair.
 *
 * @throws CodexProtocolSendError `E_BRIDGE_MESSAGE_INVALID`
 */
export function encode(message: ClientOutboundWireMessage): string {
  assertValidClientMessage(message);
  try {
    return `${JSON.stringify(message, (_key, value: unknown) => (typeof value === "string" ? value.toWellFormed() : value))}\n`;
  } catch (thrown) {
    throw new CodexProtocolSendError(`message is not JSON: ${messageOf(thrown)}`);
  }
}
