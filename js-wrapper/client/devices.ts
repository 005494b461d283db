/** Tokens of a user's machines: for a signed-in user, who gives one to the bridge. */
import { hexOf } from "../hex.js";
import { reads, writes } from "./call.js";

/**
 * Issues a token for a device of the actor's; it is told once. `entropy` is 32 random bytes as text, made by the client.
 * Throws ConvexError `E_DEVICE_INVALID`, `E_QUOTA`.
 */
export const issueDeviceToken = writes((component) => component.devices.issueToken);

/** Takes a token back; `revoked` is false where the actor has none of that id. */
export const revokeDeviceToken = writes((component) => component.devices.revokeToken);

/** The actor's tokens without the tokens, the one that holds longest first. */
export const listDeviceTokens = reads((component) => component.devices.list);

/** Bytes of chance that a token is made of. SOURCE: as many as SHA-256 keeps. */
const ENTROPY_BYTES = 32;

/**
 * Makes what `issueDeviceToken` wants as `entropy`: in the browser or the tool of who asks for a token, not in a query or
 * mutation, where chance is not secret.
 *
 * @returns 32 random bytes in hexadecimal
 */
export function createDeviceEntropy(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(ENTROPY_BYTES)));
}
