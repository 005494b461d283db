/** An error with a code, which says what happened to programs as its message says it to people. `Given` are the codes that it is made with. */
export class CodedError<Code extends string, Given extends Code = Code> extends Error {
  readonly code: Code;

  /**
   * @param code the coded cause
   * @param message what happened, for people
   * @param cause what was thrown, where something was
   */
  constructor(code: Given, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** What a message says each time, without the name of the call that failed, which Convex puts into it. */
export function withoutRequestId(message: string): string {
  return message.replace(/\[Request ID: [^\]]*\] /g, "");
}

/** SOURCE: Convex, deployments that are no production: behind what is wrong with arguments or an answer they show it whole, a credential too. */
const SHOWN = /(ValidationError: [^]*?)\s*\n(?:Object|Value): [^]*/;

/** What whatever was thrown says, without its code, and without what did not fit. The message of a ConvexError is its data as JSON: what it says is in there. */
export function messageOf(thrown: unknown): string {
  const { data } = (thrown ?? {}) as { data?: { message?: unknown } | null };
  const words = typeof data?.message === "string" ? data.message : thrown instanceof Error ? thrown.message : String(thrown);
  return words.replace(/^\[E_[A-Z0-9_]+\] /, "").replace(SHOWN, "$1");
}
