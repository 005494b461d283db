import { MessageNotSentError, type AppendMessage, type ExternalStoreAdapter } from "@assistant-ui/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { parseCodexErrorCode } from "../host/codex-error.js";
import type { UserInput } from "../protocol/generated/types.js";
import { useLatest } from "../react/calls.js";
import type { CodexCommandView } from "../react/command-words.js";
import { codexCommandIdAgain, newCommandId } from "../react/sending.js";
import type { CodexSentCommand } from "../react/use-codex-send.js";
import type { UseCodexResult } from "../react/use-codex.js";
import { convertQueue, inputOfCommand, isOnItsWay, isSettled, isUnsent, NO_QUEUE_ITEMS, promotionsFor, queuedOf, unshownOf, type Lane, type Placement, type SentCommand, type UnsentMessage } from "./queue.js";

type Queue = NonNullable<ExternalStoreAdapter["queue"]>;

/** How many commands are loaded at a time where one is not among those that are. */
const MORE_COMMANDS = 30;
/** A turn of the queue waits for the one before it, however long that takes. It is the same in every tab: an id is of one payload. */
const WAITING = { waitForMachine: true } as const;

/** What {@link useCodexQueue} returns. */
interface CodexQueue {
  /** Undefined where nothing runs or waits: without one the library sends nothing while something is on its way. */
  readonly queue: Queue | undefined;
  /** What waits is to come back into the queue when it is cancelled. */
  readonly hold: () => void;
  /**
   * Begins to send past the queue.
   *
   * @returns what keeps the message in the queue where that was refused, and something may have been sent after it: the library gives
   *   back only what was sent last, and does not say that it sends until attachments are there. False where it is to give it back.
   */
  readonly begin: () => (input: readonly UserInput[]) => boolean;
}

/**
 * Makes what waits behind a turn into a queue of assistant-ui. Nothing that it is asked for is awaited there: what is refused is
 * `error` of `useCodex`, and a message that was refused, or came to nothing, is in the queue until it is moved or removed.
 *
 * @param codex what `useCodex` returns
 * @param commands what was sent, newest first, with all of it that is open
 * @param isSaid whether codex has said the message of a command back
 * @param inputOf what was typed and attached, as codex takes it; it throws where codex does not
 */
export function useCodexQueue(
  codex: UseCodexResult,
  commands: readonly CodexCommandView[],
  isSaid: (command: SentCommand) => boolean,
  inputOf: (message: AppendMessage) => readonly UserInput[],
): CodexQueue {
  const { threadId, runningTurnId } = codex;
  const [unsent, unsentNow, changeUnsent] = useUnsent();
  const previous = useRef(NO_QUEUE_ITEMS);
  const converted = useMemo(() => {
    const ofThread = unsent.filter((message) => message.threadId === threadId);
    return convertQueue({ commands, runningTurnId }, ofThread, previous.current, isSaid);
  }, [commands, runningTurnId, unsent, threadId, isSaid]);
  useEffect(() => {
    previous.current = converted;
  }, [converted]);

  const ofThread = useMemo(
    () => unsent.filter((message) => message.threadId === threadId && (message.state === "held" || message.state === "sent")),
    [unsent, threadId],
  );
  const { status, error } = codex.commands;
  const isWhole = status === "Exhausted" && error === undefined;
  // What has its end, or is not there at all, is kept no more: it would be looked for among older and older commands.
  useEffect(() => {
    const findCommand = (id: string) => commands.find(({ commandId }) => commandId === id);
    const isGone = (one: UnsentMessage) => isWhole && ofThread.includes(one) && findCommand(one.commandId) === undefined;
    const settled = new Set(unsent.filter((one) => isGone(one) || isSettled(one, findCommand(one.commandId))));
    if (settled.size > 0) changeUnsent((list) => list.filter((one) => !settled.has(one)));
  }, [commands, isWhole, unsent, ofThread, changeUnsent]);

  const answers = codex.requests.results.flatMap(({ status, answerCommandId }) => (status === "pending" && answerCommandId !== undefined ? [answerCommandId] : []));
  useUntold(codex.commands, commands, [...ofThread.map(({ commandId }) => commandId), ...answers]);

  const { items, steerItems } = converted;
  const { turns: known, openCommands } = codex;
  // What is merely on its way is none: nothing more is to be sent until that has arrived, or is given back.
  const isTaken = runningTurnId !== undefined || known?.[0]?.status === "queued" || openCommands.some(({ kind }) => kind === "turn");
  const isShown = isTaken || items.length > 0 || steerItems.length > 0;
  const shownNow = useLatest(isShown);
  /** What was sent, and each time from which on something may have been. */
  const sends = useRef(0);
  useEffect(() => {
    if (isShown) sends.current += 1;
  }, [isShown]);

  const latest = useLatest(codex);
  const sentNow = useLatest(commands);
  const onTheirWay = useRef(new Map<string, Promise<void>>());
  const calls = useMemo(() => {
    const findCommand = (id: string) => sentNow.current.find(({ commandId }) => commandId === id);
    const drop = (id: string) => {
      changeUnsent((list) => list.filter(({ commandId }) => commandId !== id));
    };
    const put = (message: UnsentMessage) => {
      changeUnsent((list) => [...list.filter((one) => one.commandId !== message.commandId), message]);
    };
    const change = (id: string, changed: Partial<UnsentMessage>) => {
      changeUnsent((list) => list.map((message) => (message.commandId === id ? { ...message, ...changed } : message)));
    };
    const findOwn = (id: string) => unsentNow.current.find(({ commandId }) => commandId === id);
    /** A message that is with this page. */
    const findUnsent = (id: string) => {
      const message = findOwn(id);
      return message !== undefined && isUnsent(message, findCommand(id)) ? message : undefined;
    };

    const send = (input: readonly UserInput[], lane: Lane, commandId = newCommandId()) => {
      const codexOfThread = latest.current;
      put({ commandId, threadId: codexOfThread.threadId, input, lane, state: "sending" });
      const isStopped = () => findOwn(commandId)?.state === "stopping";
      const arrive = async () => {
        try {
          const sent = await (lane === "steer" ? steerOrSend(codexOfThread, input, commandId, isStopped) : codexOfThread.send(input, { commandId, ...WAITING }));
          // A turn ends before it begins, as `stop` ends those that are listed; a steer ends with the turn that it was for.
          if (isStopped() && "clientTurnId" in sent) unawaited(codexOfThread.codex.interrupt(commandId));
          change(commandId, { state: findOwn(commandId)?.state === "sending" ? "sent" : "held" });
        } catch {
          change(commandId, { state: "refused" });
        }
      };
      onTheirWay.current.set(commandId, arrive().finally(() => onTheirWay.current.delete(commandId)));
    };
    const readInput = (message: AppendMessage) => {
      try {
        return inputOf(message);
      } catch (thrown) {
        // Of all that is thrown, it alone gives back what was typed.
        throw new MessageNotSentError(thrown instanceof Error ? thrown.message : String(thrown));
      }
    };
    const findOnItsWay = (id: string) => {
      const message = findUnsent(id);
      return message !== undefined && isOnItsWay(message) ? message : undefined;
    };

    return {
      enqueue: (message: AppendMessage) => {
        sends.current += 1;
        send(readInput(message), "queue");
      },
      steer: (message: AppendMessage) => {
        sends.current += 1;
        send(readInput(message), "steer");
      },
      begin: () => {
        sends.current += 1;
        const [own, { threadId: ofThread }] = [sends.current, latest.current];
        return (input: readonly UserInput[]) => {
          if (sends.current === own && !shownNow.current) return false;
          put({ commandId: newCommandId(), threadId: ofThread, input, lane: "queue", state: "refused" });
          return true;
        };
      },
      move: (id: string, placement: Placement) => {
        if (findOnItsWay(id) !== undefined) throw new Error(`\`${id}\` is on its way`);
        const message = findUnsent(id);
        if (message !== undefined) {
          drop(id);
          // It may have arrived all the same: whoever sends it again, in whichever tab, sends one command.
          send(message.input, placement.lane ?? "queue", findCommand(id) && codexCommandIdAgain(id));
          return;
        }
        const { next, turns, steers } = queuedOf(sentNow.current, latest.current.runningTurnId);
        const isSteer = steers.some(({ commandId }) => commandId === id);
        if (!isSteer && !turns.some(({ commandId }) => commandId === id)) throw new Error(`\`${id}\` does not wait any more`);
        if (isSteer && placement.lane === "queue") throw new Error("what is to steer a turn does not wait for its end");
        const promote = given(latest.current.codex.promote, "promoteCommand");
        const idsOf = (lane: readonly { readonly commandId: string }[]) => lane.map(({ commandId }) => commandId);
        if (!isSteer && placement.lane === "steer") {
          // Promoted, it is the first of them: where no place is named codex is to read it next.
          const isPlaced = placement.insertAfter !== undefined || placement.insertBefore !== undefined;
          const promoted = isPlaced ? promotionsFor([id, ...idsOf(steers)], id, placement) : [];
          unawaited(promote(id, { expectedTurnId: latest.current.runningTurnId }));
          for (const one of [...promoted].reverse()) unawaited(promote(one));
          return;
        }
        const promoted = promotionsFor(idsOf(isSteer ? steers : turns), id, placement);
        // Nothing goes before the turn that is to begin next.
        const first = isSteer || next === undefined || promoted.length === 0 ? [] : [next.commandId];
        for (const one of [...first, ...promoted].reverse()) unawaited(promote(one));
      },
      edit: (id: string, message: AppendMessage) => {
        if (findOnItsWay(id) !== undefined) throw new Error(`\`${id}\` is on its way`);
        const words = readInput(message);
        const own = findUnsent(id);
        if (own !== undefined) {
          change(id, { input: [...words, ...unshownOf(own.input)] });
          return;
        }
        const command = findCommand(id);
        if (command === undefined) throw new Error(`\`${id}\` does not wait any more`);
        const input = [...words, ...unshownOf(inputOfCommand(command))];
        const { threadId: ofThread } = latest.current;
        given(latest.current.codex.edit, "editCommand")(command, input).then(
          () => change(id, { input }),
          () => put({ commandId: newCommandId(), threadId: ofThread, input, lane: "queue", state: "refused" }),
        );
      },
      remove: (id: string) => {
        const message = findUnsent(id);
        if (message !== undefined && !isOnItsWay(message)) {
          drop(id);
          return;
        }
        const cancel = message?.state === "stopping" ? undefined : given(latest.current.codex.cancel, "cancelCommand");
        const taken = async () => {
          await onTheirWay.current.get(id);
          if (findOwn(id)?.state !== "refused") await cancel?.(id);
          drop(id);
        };
        unawaited(taken());
      },
      hold: () => {
        const { next, turns, steers } = queuedOf(sentNow.current, latest.current.runningTurnId);
        const { threadId: stopped } = latest.current;
        const onWay = unsentNow.current.filter((message) => message.threadId === stopped && findOnItsWay(message.commandId) !== undefined);
        for (const command of [...steers, ...(next === undefined ? [] : [next]), ...turns]) {
          const { commandId } = command;
          put({ commandId, threadId: stopped, input: inputOfCommand(command), lane: "queue", state: "held" });
        }
        for (const message of onWay) put({ ...message, state: "stopping" });
      },
    };
  }, [latest, sentNow, shownNow, inputOf, changeUnsent, unsentNow]);

  return useMemo(() => {
    const { hold, begin, ...acts } = calls;
    return { queue: isShown ? { items, steerItems, ...acts } : undefined, hold, begin };
  }, [isShown, items, steerItems, calls]);
}

/** Loads on until these are there: what became of a message, or of an answer, tells its command alone, and by then others may be before it. */
function useUntold({ status, loadMore }: UseCodexResult["commands"], commands: readonly CodexCommandView[], ids: readonly string[]): void {
  const isUntold = ids.some((id) => !commands.some(({ commandId }) => commandId === id));
  useEffect(() => {
    if (isUntold && status === "CanLoadMore") loadMore(MORE_COMMANDS);
  }, [isUntold, status, loadMore]);
}

/**
 * The turn may have ended on the way: then the message begins one.
 *
 * @param isStopped whether nothing is to begin any more: `steer` of `useCodex` does not ask
 */
async function steerOrSend({ codex, runningTurnId, send }: UseCodexResult, input: readonly UserInput[], commandId: string, isStopped: () => boolean): Promise<CodexSentCommand> {
  if (runningTurnId === undefined) return await send(input, { commandId, ...WAITING });
  try {
    return await codex.steer(input, { commandId, expectedTurnId: runningTurnId });
  } catch (thrown) {
    if (parseCodexErrorCode(thrown) !== "E_COMMAND_TARGET_GONE" || isStopped()) throw thrown;
    return await send(input, { commandId, ...WAITING });
  }
}

/** Messages of this page's, those that callbacks see at once, and how they change. */
function useUnsent() {
  const [list, setList] = useState<readonly UnsentMessage[]>([]);
  const now = useRef(list);
  const change = useCallback((act: (before: readonly UnsentMessage[]) => readonly UnsentMessage[]) => {
    now.current = act(now.current);
    setList(now.current);
  }, []);
  return [list, now, change] as const;
}

function given<Call>(call: Call | undefined, name: string): Call {
  if (call === undefined) throw new Error(`the app's functions have no \`${name}\``);
  return call;
}

/** What it is refused with is `error` of `useCodex`. */
function unawaited(call: Promise<unknown>): void {
  call.catch(() => undefined);
}
