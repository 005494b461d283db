/** An error with a code, which says what happened to programs as its message says it to people. */
export class CodedError<Code extends string> extends Error {
  readonly code: Code;

  /**
   * @param code the coded cause
   * @param message what happened, for people
   * @param cause what was thrown, where something was
   */
  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
