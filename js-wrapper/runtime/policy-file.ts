import { readFileSync } from "node:fs";
import { messageOf } from "../coded-error.js";
import { CodexRuntimeError } from "./errors.js";

/** The policy of a machine whose owner wrote none: see `src/policy.rs`. */
const DEFAULT_POLICY = "{}";
/** What no policy is: nothing passes. */
const UNREADABLE = "";

/** Where the owner of a machine keeps its policy. */
export interface PolicyOptions {
  /** Its path; left out, the default policy holds. */
  readonly policyFile?: string | undefined;
  /** The default policy holds too while there is no such file. */
  readonly policyMayBeMissing?: boolean | undefined;
}

/** The machine's policy, read anew for each command: what its owner changes holds at once. */
export class PolicyFile {
  readonly #options: PolicyOptions;
  readonly #onError: (error: CodexRuntimeError) => void;
  #isTold = false;

  /** @param onError told once that the file is not there or cannot be read, until it can */
  constructor(options: PolicyOptions, onError: (error: CodexRuntimeError) => void) {
    this.#options = options;
    this.#onError = onError;
  }

  /** @returns its text; of one that cannot be read what lets nothing pass */
  read(): string {
    const { policyFile, policyMayBeMissing = false } = this.#options;
    if (policyFile === undefined) return DEFAULT_POLICY;
    try {
      const text = readFileSync(policyFile, "utf8");
      this.#isTold = false;
      return text;
    } catch (thrown) {
      const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
      if (isMissing && policyMayBeMissing) return DEFAULT_POLICY;
      if (!this.#isTold) this.#onError(new CodexRuntimeError("E_RUNTIME_POLICY_UNREADABLE", `nothing may be asked of this machine from afar, for its policy cannot be read: ${messageOf(thrown)}`, thrown));
      this.#isTold = true;
      return UNREADABLE;
    }
  }
}
