import { CodexProtocolSendError } from "../protocol/index.js";

/** Characters of an id that an error repeats. */
const REPEATED_ID_MAX = 64;

const UUID_LIKE = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Whether an id may be one of the app-server's threads: 8-4-4-4-12 hexadecimal digits, of any case and version.
 *
 * @param threadId any text; a Convex id or a name of the app's own is none
 */
export function isUuidLikeThreadId(threadId: string): boolean {
  return UUID_LIKE.test(threadId);
}

/** @throws CodexProtocolSendError where it can be no thread of the app-server's: Convex's ids are none */
export function assertThreadId(threadId: string): void {
  if (isUuidLikeThreadId(threadId)) return;
  // An app without types may give anything.
  const given: unknown = threadId;
  throw new CodexProtocolSendError(`Invalid threadId for app-server request: \`${String(given).slice(0, REPEATED_ID_MAX)}\` is no UUID`);
}
