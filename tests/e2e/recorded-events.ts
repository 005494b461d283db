/** What the bridge makes of a recording of the real app-server. */
import { fileURLToPath } from "node:url";
import { CodexLocalBridge, type NormalizedEvent } from "../../js-wrapper/bridge/index.js";

const PLAYER = fileURLToPath(new URL("../../tools/replay-codex/replay-codex.mjs", import.meta.url));
const BATCH_MAX = 100;

/** What one process of a recording made the bridge say, and what went wrong. */
export async function eventsOf(name: string, process_: number): Promise<{ events: NormalizedEvent[]; errors: string[] }> {
  const events: NormalizedEvent[] = [];
  const errors: string[] = [];
  const play = ["--transcript", name, "--process", String(process_), "--autoplay", "--speed", "0", "--exit-at-end"];
  await new Promise<void>((resolve) => {
    const bridge = new CodexLocalBridge(
      { codexBin: process.execPath, args: [PLAYER, "app-server", ...play], initialize: false },
      {
        onEvent: (event) => void events.push(event),
        onGlobalMessage: () => undefined,
        onProtocolError: ({ error }) => void errors.push(error.code),
        onProcessExit: () => void bridge.stop().then(resolve),
      },
    );
    bridge.start();
  });
  return { events, errors };
}

/** The batches that a bridge without a clock would send: of one thread each, in order. */
export function batchesOf(events: readonly NormalizedEvent[]): { threadId: string; deltas: NormalizedEvent[] }[] {
  return [...new Set(events.map(({ threadId }) => threadId))].flatMap((threadId) => {
    const own = events.filter((event) => event.threadId === threadId);
    return Array.from({ length: Math.ceil(own.length / BATCH_MAX) }, (_, at) => ({ threadId, deltas: own.slice(at * BATCH_MAX, (at + 1) * BATCH_MAX) }));
  });
}
