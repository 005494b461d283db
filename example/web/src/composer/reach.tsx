import type { CodexReach } from "convex-codex-local/react";

// Where it has to, a turn is sent to wait: see `codexSendWaits`.
const WAITS = "What you send waits for it, up to 24 hours.";
const WAITS_FOR_ONE = "What you send waits for one, up to 24 hours.";

const REACH_WORDS: Record<CodexReach, string> = {
  reachable: "",
  elsewhere: "",
  starting: `Codex is starting on its machine. ${WAITS}`,
  notLoaded: `No machine that is here has this thread open. ${WAITS_FOR_ONE}`,
  signedOut: `Codex is signed out on its machine. ${WAITS}`,
  stopped: `The bridge on its machine has stopped. ${WAITS}`,
  failed: `The bridge on its machine has failed. ${WAITS}`,
  away: `Its machine is away. ${WAITS}`,
  never: `No machine has this thread. ${WAITS_FOR_ONE}`,
};

/** Why what is sent may not arrive. It is there before its words: what comes in together with them is commonly not told. */
export function Reach({ reach }: { reach: CodexReach | undefined }) {
  const words = reach === undefined ? "" : REACH_WORDS[reach];
  return (
    <div role="status">
      {words !== "" && <p className="reach">{words}</p>}
    </div>
  );
}
