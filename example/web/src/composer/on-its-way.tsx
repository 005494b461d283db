import type { CodexCommandView } from "convex-codex-local/react";
import { codexCommandIdAgain, useCodexCommands, useCodexSend } from "convex-codex-local/react";
import { useState } from "react";
import { api } from "../api.js";
import { commandWords, failureWords, stateWords } from "./command-words.js";

const LISTED = 20;

/** What was asked of the machine and is not done, and what came to nothing since the page was opened or shortly before. */
export function OnItsWay({ threadId }: { threadId: string }) {
  const { chat } = api;
  const commands = useCodexCommands(chat.listCommands, { threadId }, { initialNumItems: LISTED });
  const codex = useCodexSend(chat.sendCommand, { threadId }, { cancel: chat.cancelCommand, edit: chat.editCommand });
  const [dismissed, setDismissed] = useState<ReadonlySet<string>>(new Set());
  const sent = new Set(commands.results.map(({ commandId }) => commandId));
  const shown = commands.results.filter(
    ({ commandId, isOpen, isFailed }) =>
      isOpen || (isFailed && !dismissed.has(commandId) && !sent.has(codexCommandIdAgain(commandId))),
  );
  if (shown.length === 0) return null;
  const told = () => undefined;
  return (
    <ul className="on-its-way" aria-label="On its way" aria-live="polite">
      {[...shown].reverse().map((command) => (
        <li key={command.commandId} className={command.isFailed ? "failed" : undefined}>
          <Words command={command} onEdit={(text) => void codex.edit(command, text).catch(told)} />
          <span className="fate">
            {command.isOpen && <span className="lamp" />}
            {stateWords(command)}
            {command.isFailed && command.code !== undefined && <>: {failureWords(command.code)}</>}
          </span>
          {command.isQueued && (
            <button type="button" onClick={() => void codex.cancel(command.commandId).catch(told)}>
              Take back
            </button>
          )}
          {command.isFailed && (
            <>
              {(command.kind === "turn" || command.kind === "steer") && (
                <button type="button" onClick={() => void codex.sendAgain(command).catch(told)}>
                  Send again
                </button>
              )}
              <button
                type="button"
                onClick={() => setDismissed((before) => new Set(before).add(command.commandId))}
              >
                Dismiss
              </button>
            </>
          )}
        </li>
      ))}
      {codex.error !== undefined && (
        <li className="failed" role="alert">
          {failureWords(codex.error)}
        </li>
      )}
    </ul>
  );
}

/** What was asked for; while no machine has it, its words can be changed. */
function Words({ command, onEdit }: { command: CodexCommandView; onEdit: (text: string) => void }) {
  const [draft, setDraft] = useState<string>();
  if (draft !== undefined && command.isQueued) {
    return (
      <form
        className="edit"
        onSubmit={(event) => {
          event.preventDefault();
          onEdit(draft);
          setDraft(undefined);
        }}
      >
        <input
          type="text"
          aria-label="Other words"
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
        />
        <button type="submit">Save</button>
      </form>
    );
  }
  return (
    <>
      <span className="wish" dir="auto">
        {commandWords(command)}
      </span>
      {command.isQueued && command.text !== "" && (
        <button type="button" onClick={() => setDraft(command.text)}>
          Change
        </button>
      )}
    </>
  );
}
