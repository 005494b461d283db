// Who may talk to the embedded Convex. It steers a Codex on this machine, so a web page in the same browser must not reach it:
// not by its origin, not by a name that was made to point at 127.0.0.1 (DNS rebinding), and not without the token.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

const TOKEN_BYTES = 32;

export const newToken = () => randomBytes(TOKEN_BYTES).toString("base64url");

/** Compares in a time that says nothing of either secret, its length included. */
export function sameSecret(given, wanted) {
  const digest = (text) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** True when a Host header names this very server. */
export function hostAllowed(host, port) {
  return host === `127.0.0.1:${port}` || host === `localhost:${port}`;
}

/**
 * Decides on a request before anything else looks at it.
 *
 * @param {{url: string, headers: Record<string, string | undefined>}} request
 * @param {{port: number, token: string, allowedOrigins: string[]}} rules
 * @returns {{path: string, origin?: string} | {status: number, code: string}} the path without its token, or the refusal
 */
export function admit(request, { port, token, allowedOrigins }) {
  if (!hostAllowed(request.headers.host, port)) return { status: 403, code: "E_EMBEDDED_HOST" };
  // No Origin header means that no browser sent it: the token alone decides.
  const { origin } = request.headers;
  if (origin !== undefined && !allowedOrigins.includes(origin)) return { status: 403, code: "E_EMBEDDED_ORIGIN" };
  const [, given = "", rest = ""] = /^\/([^/?]*)(\/[^?]*)?/.exec(request.url) ?? [];
  if (!sameSecret(given, token)) return { status: 401, code: "E_EMBEDDED_TOKEN" };
  return { path: rest, origin };
}
