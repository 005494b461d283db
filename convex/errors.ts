import { ConvexError } from "convex/values";

/** What clients get of an error; in production they get nothing else. */
export type ErrorData = { code: string; message: string; retryable: boolean };

/**
 * A coded error. `data.message` begins with `[code]`, for those who parse the seed's strings.
 */
export function coded(code: string, message: string, detail: Record<string, string | number | boolean> = {}): ConvexError<ErrorData> {
  return new ConvexError({ code, message: `[${code}] ${message}`, retryable: false, ...detail });
}
