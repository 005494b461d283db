import type { CodexCommandView } from "convex-codex-local/react";
import { codexCommandIdAgain, stopCodexThread, useCodexSend } from "convex-codex-local/react";
import { useRef } from "react";
import { api } from "../api.js";
import { useKept } from "../kept.js";
import { readItem } from "../payload.js";
import { failureWords } from "../failure.js";
import { commandWords, stateWords, unreadWords } from "./command-words.js";
import { EditForm } from "./edit-form.js";
import { useKeptIds } from "./kept-ids.js";
import { Wish } from "./wish.js";

export interface OnItsWayProps {
  threadId: string;
  /** What was sent, with all of it that is open, newest first. */
  commands: readonly CodexCommandView[];
  /** Whether that is known: while it is read, what is not among them may still wait. */
  isKnown: boolean;
  /** The turn that runs. */
  running: string | undefined;
  /** When the turn that runs, else the newest one, was made, by the server's clock; undefined while that is not known. */
  begunAt: number | undefined;
  /** What was handed to Codex for a turn and is not among the messages, by the ids of its commands. */
  unread: ReadonlySet<string>;
  /** Something was done, and its button is gone. */
  onDone: () => void;
}

/** Other words for messages that wait, as they are being written; with the message, which may be gone by then. */
type Edits = ReadonlyMap<string, { readonly command: CodexCommandView; readonly text: string }>;

const NO_EDITS: Edits = new Map();

/** What was asked of the machine and is not done, what came to nothing shortly before, and what a stop took back. */
export function OnItsWay({ threadId, commands, isKnown, running, begunAt, unread, onDone }: OnItsWayProps) {
  const { chat } = api;
  const codex = useCodexSend(chat.sendCommand, { threadId }, { cancel: chat.cancelCommand, edit: chat.editCommand });
  const { error } = codex;
  const [dismissed, dismiss] = useKeptIds("dismissed");
  const [stopped] = useKeptIds("stopped");
  const [edits, changeEdits] = useKept(`edits ${threadId}`, NO_EDITS);
  const sent = new Set(commands.map(({ commandId }) => commandId));
  const isToBeRead = ({ commandId, turnId }: CodexCommandView) => unread.has(commandId) && turnId === running;
  const isShown = (command: CodexCommandView) => {
    const { commandId, isOpen, isFailed, state } = command;
    if (isOpen || edits.has(commandId) || isToBeRead(command)) return true;
    if (isPast(command, begunAt) && !isForced(command, running)) return false;
    const isWanted = isFailed || unread.has(commandId) || (state === "cancelled" && stopped.has(commandId));
    return isWanted && !dismissed.has(commandId) && !sent.has(codexCommandIdAgain(commandId));
  };
  // What is not listed any more is at its end, and its words are not to go with it.
  const gone = [...edits.values()].flatMap(({ command }): CodexCommandView[] =>
    sent.has(command.commandId) ? [] : [isKnown ? { ...command, state: "leased", isOpen: false, isQueued: false } : command],
  );
  const shown = [...commands.filter(isShown), ...gone].reverse();

  const opened = useRef<string>(undefined);
  const open = (command: CodexCommandView) => {
    opened.current = command.commandId;
    edit(command, command.text);
  };
  const edit = (command: CodexCommandView, text: string | undefined) =>
    changeEdits((before) => {
      const after = new Map(before);
      if (text === undefined) after.delete(command.commandId);
      else after.set(command.commandId, { command, text });
      return after;
    });
  /** What it is refused with is told below. */
  const does = (call: Promise<unknown>, done: () => void = () => undefined) => {
    call.then(
      () => {
        done();
        onDone();
      },
      () => undefined,
    );
  };

  return (
    // It is there before there is something in it: what is mounted with its content is not read out.
    <div className="on-its-way-live" aria-live="polite">
      {(shown.length > 0 || error !== undefined) && (
        <ul className="on-its-way" aria-label="On its way">
          {shown.map((command) => {
            const edited = edits.get(command.commandId);
            const isUnread = unread.has(command.commandId);
            const isUnderWay = command.isOpen || isToBeRead(command);
            return (
              <li key={command.commandId} className={command.isFailed || (isUnread && !isUnderWay) ? "failed" : undefined}>
                {edited === undefined ? (
                  <Words command={command} onChange={() => open(command)} />
                ) : (
                  <EditForm
                    text={edited.text}
                    isOpened={opened.current === command.commandId}
                    isTooLate={!command.isQueued}
                    onChange={(text) => edit(command, text)}
                    onSave={() => does(codex.edit(command, edited.text), () => edit(command, undefined))}
                    onSend={() => does(codex.sendTurn(edited.text, { waitForMachine: true }), () => edit(command, undefined))}
                    onLeave={() => {
                      edit(command, undefined);
                      onDone();
                    }}
                  />
                )}
                <span className="fate">
                  {isUnderWay && <span className="lamp" />}
                  {isUnread ? unreadWords(isUnderWay) : stateWords(command)}
                  {command.isFailed && command.code !== undefined && <>: {failureWords(command.code)}</>}
                </span>
                {command.isQueued && (
                  <button type="button" onClick={() => does(codex.cancel(command.commandId))}>
                    Take back
                  </button>
                )}
                {isForced(command, running) && (
                  <button
                    type="button"
                    onClick={() =>
                      does(stopCodexThread(codex, { runningTurnId: running, openCommands: commands }, { force: true }), () => dismiss(command.commandId))
                    }
                  >
                    Stop anyway
                  </button>
                )}
                {!isUnderWay && edited === undefined && (
                  <>
                    {(command.kind === "turn" || command.kind === "steer") && (
                      <button type="button" onClick={() => does(codex.sendAgain(command))}>
                        Send again
                      </button>
                    )}
                    <button
                      type="button"
                      onClick={() => {
                        dismiss(command.commandId);
                        onDone();
                      }}
                    >
                      Dismiss
                    </button>
                  </>
                )}
              </li>
            );
          })}
          {error !== undefined && (
            <li className="failed" role="alert">
              {failureWords(error)}
            </li>
          )}
        </ul>
      )}
    </div>
  );
}

/** What was asked for; while no machine has it, its words can be changed. */
function Words({ command, onChange }: { command: CodexCommandView; onChange: () => void }) {
  return (
    <>
      <Wish words={commandWords(command)} />
      {command.isQueued && command.text !== "" && (
        <button type="button" onClick={onChange}>
          Change
        </button>
      )}
    </>
  );
}

/**
 * Whether it came to nothing before the turn that is shown, as far as is known, and is of no use since. A message is: its words are
 * nowhere else, and it may not have been seen by whoever comes back after a weekend.
 */
function isPast({ kind, endedAt }: CodexCommandView, begunAt: number | undefined): boolean {
  return kind !== "turn" && kind !== "steer" && endedAt !== undefined && (begunAt === undefined || endedAt < begunAt);
}

/** Whether it is a stop of the turn that still runs, which wants to be told that other threads' turns may be cut. */
function isForced({ kind, code, payloadJson }: CodexCommandView, running: string | undefined): boolean {
  return kind === "interrupt" && code === "E_COMMAND_NEEDS_FORCE" && running !== undefined && readItem(payloadJson)["turnId"] === running;
}
