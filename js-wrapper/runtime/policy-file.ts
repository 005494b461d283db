import { readFileSync } from "node:fs";

/** The policy of a machine whose owner wrote none: see `src/policy.rs`. */
const DEFAULT_POLICY = "{}";
/** What no policy is: nothing passes. */
const UNREADABLE = "";

/**
 * Reads the machine's policy, anew for each command: what its owner changes holds at once.
 *
 * @param file its path; undefined, or a path where nothing is, is the default policy
 * @returns its text. One that is there and cannot be read lets nothing pass
 */
export function readPolicy(file: string | undefined): string {
  if (file === undefined) return DEFAULT_POLICY;
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    const isMissing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    return isMissing ? DEFAULT_POLICY : UNREADABLE;
  }
}
