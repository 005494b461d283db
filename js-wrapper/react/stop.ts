/** A stop that begins nothing. */
import { parseCodexErrorCode } from "../host/codex-error.js";
import type { CodexListedTurn } from "../host/component.js";
import type { CodexCommandView } from "./command-words.js";
import type { CodexSend } from "./use-codex-send.js";

/** What {@link stopCodexThread} ends. */
export interface CodexStopped {
  /** The turn that runs. */
  readonly runningTurnId?: string | undefined;
  /** What of the thread is not at its end, as `useCodexCommands` lists it with `open: true`; only turns are taken back. */
  readonly openCommands: readonly Pick<CodexCommandView, "kind" | "isOpen" | "isQueued" | "clientTurnId">[];
  /** As `listTurns` has them: those that are queued and that no open command carries are ended, too. */
  readonly turns?: readonly (Pick<CodexListedTurn, "turnId" | "status"> & { readonly clientTurnId?: string | undefined })[] | undefined;
}

/** How {@link stopCodexThread} stops. */
export interface CodexStopOptions {
  /** What waits stays, and the next of it begins when the turn that runs has ended. */
  readonly keepQueue?: boolean | undefined;
  /** The machine may restart codex where that would cut turns of other threads. */
  readonly force?: boolean | undefined;
}

/** It was over before it was stopped. */
const OVER = new Set(["E_COMMAND_TARGET_GONE", "E_AUTH_TURN_FORBIDDEN"]);

/** Whether a stop was refused because what it was to end had ended: that is what was wanted. */
export function isOver(thrown: unknown): boolean {
  return OVER.has(parseCodexErrorCode(thrown) ?? "");
}

/**
 * Ends the turn that runs, and before that takes back what waits behind it, so that nothing begins by it: `useCodex` stops so.
 *
 * @param codex what `useCodexSend` returns
 * @param stopped the turn that runs, what is open, and the turns: one that was registered, or that the machine took and has not begun, is
 *   open in nothing else
 * @param options `keepQueue`, `force`
 * @returns once all of it is asked for; what was over by then is no error
 * @throws what the app's mutation was refused with
 *
 * @example
 * ```ts
 * await stopCodexThread(codex, { runningTurnId: activity.turnId, openCommands: commands.results, turns });
 * ```
 */
export async function stopCodexThread(
  { interrupt }: Pick<CodexSend, "interrupt">,
  { runningTurnId, openCommands, turns = [] }: CodexStopped,
  { keepQueue = false, force }: CodexStopOptions = {},
): Promise<void> {
  const stopOne = async (turnId: string) => {
    try {
      await interrupt(turnId, { force });
    } catch (thrown) {
      if (!isOver(thrown)) throw thrown;
    }
  };
  const carriers = openCommands.filter(({ kind, isOpen }) => kind === "turn" && isOpen);
  const carried = new Set(carriers.map(({ clientTurnId }) => clientTurnId));
  // Behind a turn that runs it waits as a command does; where none runs it is the next to begin.
  const isKept = keepQueue && runningTurnId !== undefined;
  const queued = turns.filter(({ status, turnId, clientTurnId }) => status === "queued" && !isKept && !carried.has(turnId) && !carried.has(clientTurnId ?? turnId));
  const waiting = [...carriers.filter(({ isQueued }) => !(isQueued && keepQueue)).map(({ clientTurnId }) => clientTurnId), ...queued.map(({ turnId }) => turnId)];
  // What waits first: else the next of it begins when the one that runs ends.
  await Promise.all(waiting.flatMap((turnId) => (turnId === undefined ? [] : stopOne(turnId))));
  if (runningTurnId !== undefined) await stopOne(runningTurnId);
}
