/** Tokens of a user's machines: for a signed-in user, who gives one to the bridge. */
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
