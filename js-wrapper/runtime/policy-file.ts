import { closeSync, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { messageOf } from "../coded-error.js";
import type { PolicyFiles } from "../core/bridge.js";
import { CodexRuntimeError } from "./errors.js";
import { policyFilesOf } from "./real-paths.js";
import { policyFault } from "./policy-fault.js";

/** The policy of a machine whose owner wrote none: see `src/policy.rs`. */
const DEFAULT_POLICY = "{}";
/** What no policy is: nothing but a stop passes. */
const UNREADABLE = "";
/** The bits of a mode by which others than the owner can write. */
const OTHERS_WRITE = 0o022;
const NOTHING = "nothing but a stop may be asked of this machine from afar";

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
  #isToldExposed = false;

  /** @param onError told once that the file is not there, cannot be read, is no policy or is others' to write, until that changes */
  constructor(options: PolicyOptions, onError: (error: CodexRuntimeError) => void) {
    this.#options = options;
    this.#onError = onError;
  }

  /** @returns its text; of one that cannot be read, or that others may write, what lets nothing but a stop pass, as one that is no policy does not */
  read(): string {
    const { policyFile, policyMayBeMissing = false } = this.#options;
    if (policyFile === undefined) return DEFAULT_POLICY;
    try {
      const text = readOwn(policyFile);
      const fault = policyFault(text);
      this.#tell(fault === undefined ? undefined : this.#unreadable(fault));
      return fault === undefined ? text : UNREADABLE;
    } catch (thrown) {
      const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
      if (isMissing && policyMayBeMissing) {
        this.#tell(undefined);
        return DEFAULT_POLICY;
      }
      this.#tell(thrown instanceof CodexRuntimeError ? thrown : this.#unreadable(`it cannot be read: ${messageOf(thrown)}`, thrown));
      return UNREADABLE;
    }
  }

  /** What decides which file it is; undefined where there is none. */
  files(): PolicyFiles | undefined {
    const { policyFile } = this.#options;
    return policyFile === undefined ? undefined : policyFilesOf(policyFile);
  }

  /** Codex may write it, or no more: the owner is told once, until that changes. */
  tellExposed(isExposed: boolean): void {
    const wasToldExposed = this.#isToldExposed;
    this.#isToldExposed = isExposed;
    if (!isExposed || wasToldExposed) return;
    const { policyFile = "" } = this.#options;
    const message = `${NOTHING}, for codex may write its policy: ${policyFile} lies in the folder that codex works in, in another that it may write, or in one for temporary files. Keep it elsewhere, let codex work in another folder, or start codex with a read-only sandbox`;
    this.#onError(new CodexRuntimeError("E_RUNTIME_POLICY_EXPOSED", message));
  }

  #tell(error: CodexRuntimeError | undefined): void {
    if (error !== undefined && error.message !== this.#told) this.#onError(error);
    this.#told = error?.message;
  }

  #unreadable(fault: string, cause?: unknown): CodexRuntimeError {
    const { policyFile = "" } = this.#options;
    return new CodexRuntimeError("E_RUNTIME_POLICY_UNREADABLE", `${NOTHING} until its policy is put right, ${policyFile}: ${fault}`, cause);
  }
}

/** The text of a file that its owner alone can write. @throws CodexRuntimeError where others can, and what the file system throws */
function readOwn(file: string): string {
  const handle = openSync(file, "r");
  try {
    if (isOthers(fstatSync(handle))) throw new CodexRuntimeError("E_RUNTIME_POLICY_EXPOSED", `${NOTHING}, for others may write its policy: let it be yours, and chmod go-w ${file}`);
    return readFileSync(handle, "utf8");
  } finally {
    closeSync(handle);
  }
}

/** Whether somebody else can write a file; on Windows its mode does not say. */
export function isOthers({ mode, uid }: Pick<Stats, "mode" | "uid">): boolean {
  const own = process.getuid?.();
  return own !== undefined && ((mode & OTHERS_WRITE) !== 0 || (uid !== own && uid !== 0));
}
