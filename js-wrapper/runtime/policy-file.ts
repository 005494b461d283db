import { readFileSync } from "node:fs";
import { messageOf } from "../coded-error.js";
import { CodexRuntimeError } from "./errors.js";
import { policyFault } from "./policy-fault.js";

/** The policy of a machine whose owner wrote none: see `src/policy.rs`. */
export const DEFAULT_POLICY = "{}";
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
  /** What is wrong with it, where that was told. */
  #told: string | undefined;

  /** @param onError told once that the file is not there, cannot be read or is no policy, until that changes */
  constructor(options: PolicyOptions, onError: (error: CodexRuntimeError) => void) {
    this.#options = options;
    this.#onError = onError;
  }

  /** @returns its text; of one that cannot be read what lets nothing pass, as one that is no policy does not */
  read(): string {
    const { policyFile, policyMayBeMissing = false } = this.#options;
    if (policyFile === undefined) return DEFAULT_POLICY;
    try {
      const text = readFileSync(policyFile, "utf8");
      this.#tell(policyFault(text));
      return text;
    } catch (thrown) {
      const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
      if (isMissing && policyMayBeMissing) return DEFAULT_POLICY;
      this.#tell(`it cannot be read: ${messageOf(thrown)}`, thrown);
      return UNREADABLE;
    }
  }

  #tell(fault: string | undefined, cause?: unknown): void {
    if (fault !== undefined && fault !== this.#told) {
      const { policyFile = "" } = this.#options;
      this.#onError(new CodexRuntimeError("E_RUNTIME_POLICY_UNREADABLE", `nothing may be asked of this machine from afar until its policy is put right, ${policyFile}: ${fault}`, cause));
    }
    this.#told = fault;
  }
}
