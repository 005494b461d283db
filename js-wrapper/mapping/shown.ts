import { hexOf } from "../hex.js";

/**
 * What `shownSha256` of an approval's answer is: the SHA-256, in hexadecimal, of the payload that was shown, so that nothing else is
 * accepted. In a browser and in Node, never in a Convex query or mutation.
 *
 * @param payloadJson the approval's `payloadJson`, as it was listed
 * @returns 64 hexadecimal digits
 * @example
 * ```ts
 * await respond({ threadId, turnId, itemId, decision: "accepted", shownSha256: await shownSha256Of(approval.payloadJson) });
 * ```
 */
export async function shownSha256Of(payloadJson: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(payloadJson));
  return hexOf(new Uint8Array(digest));
}
