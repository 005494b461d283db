import {
  codexSendWaits,
  parseCodexErrorCode,
  stopCodexThread,
  useCodexSend,
  type CodexCommandView,
  type CodexReach,
  type UseCodexThreadResult,
} from "convex-codex-local/react";
import { useState, type KeyboardEvent, type RefObject, type SyntheticEvent } from "react";
import { api } from "../api.js";
import { failureWords } from "../failure.js";
import { useKept } from "../kept.js";
import { useKeptIds } from "./kept-ids.js";
import { effortsWith, settingsOf } from "./settings.js";

/** SOURCE: UI Events, `keyCode` of a key that an input method takes. */
const COMPOSING_KEY = 229;

export interface ComposerProps {
  threadId: string;
  thread: UseCodexThreadResult["thread"];
  /** The turn that runs. */
  running: string | undefined;
  reach: CodexReach | undefined;
  /** What was sent, with all of it that is open. */
  commands: readonly CodexCommandView[];
  /** Whether that is known: a stop takes back what waits, before it ends what runs. */
  isKnown: boolean;
  form: RefObject<HTMLFormElement | null>;
}

/** Says something to Codex: a turn, or more to the one that runs; and stops it. */
export function Composer({ threadId, thread, running, reach, commands, isKnown, form }: ComposerProps) {
  const codex = useCodexSend(api.chat.sendCommand, { threadId });
  const [text, changeText] = useKept(`draft ${threadId}`, "");
  // Also while another thread is shown: the same words are not sent twice.
  const [underway, changeUnderway] = useKept(`underway ${threadId}`, "");
  const [, keepStopped] = useKeptIds("stopped");
  const [model, setModel] = useState("");
  const [effort, setEffort] = useState("");
  const said = text.trim();
  const inForce = settingsOf(thread);
  const isClosed = thread?.status === "archived";
  const canSend = said !== "" && !isClosed && text !== underway;

  const sendTurn = () => {
    const settings = { ...(model.trim() !== "" && { model: model.trim() }), ...(effort !== "" && { effort }) };
    const isQueued = commands.some(({ kind, isOpen }) => kind === "turn" && isOpen);
    const waits = codexSendWaits({ runningTurnId: running, isQueued, reach });
    return codex.sendTurn(text, { ...settings, ...(waits && { waitForMachine: true }) });
  };
  const steer = async (expectedTurnId: string) => {
    try {
      await codex.steer(text, { expectedTurnId });
    } catch (thrown) {
      if (parseCodexErrorCode(thrown) !== "E_COMMAND_TARGET_GONE") throw thrown;
      // The turn ended before the page knew.
      await sendTurn();
    }
  };
  const send = async (how: "turn" | "steer") => {
    if (!canSend) return;
    changeUnderway(() => text);
    try {
      await (how === "steer" && running !== undefined ? steer(running) : sendTurn());
      // What was typed meanwhile stays.
      changeText((now) => (now === text ? "" : now));
    } catch {
      // Told below; the words stay.
    } finally {
      changeUnderway((now) => (now === text ? "" : now));
    }
  };
  const stop = async () => {
    keepStopped(...commands.filter(({ kind, isQueued }) => kind === "turn" && isQueued).map(({ commandId }) => commandId));
    form.current?.focus();
    try {
      await stopCodexThread(codex, { runningTurnId: running, openCommands: commands });
    } catch {
      // Told below.
    }
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    void send(running === undefined ? "turn" : "steer");
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // Enter ends the composition of a character in many languages. SOURCE: WebKit's bug 165004: in Safari it comes when that has ended,
    // and nothing else tells it apart.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const isComposing = event.nativeEvent.isComposing || event.keyCode === COMPOSING_KEY;
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    submit(event);
  };

  return (
    <form className="composer" ref={form} tabIndex={-1} onSubmit={submit} aria-label="Message to Codex">
      {codex.error !== undefined && (
        <p className="error" role="alert">
          {failureWords(codex.error)}
        </p>
      )}
      <div className="composer-box">
        <textarea
          aria-label="Message"
          placeholder={placeholder(isClosed, running !== undefined)}
          rows={1}
          value={text}
          disabled={isClosed}
          onChange={(event) => changeText(() => event.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className="composer-row">
          <details className="settings">
            <summary>{summary(model, effort, inForce)}</summary>
            <div className="settings-panel">
              <label>
                Model
                <input
                  type="text"
                  value={model}
                  placeholder={inForce.model ?? "as it is"}
                  onChange={(event) => setModel(event.target.value)}
                />
              </label>
              <label>
                Effort
                <select value={effort} onChange={(event) => setEffort(event.target.value)}>
                  <option value="">{inForce.effort === undefined ? "as it is" : `as it is (${inForce.effort})`}</option>
                  {effortsWith(inForce.effort).map((one) => (
                    <option key={one}>{one}</option>
                  ))}
                </select>
              </label>
              <p className="aside">Asked for with the next turn. The machine’s policy decides.</p>
            </div>
          </details>
          {running !== undefined && (
            <>
              <button type="button" className="secondary" disabled={!isKnown} onClick={() => void stop()}>
                Stop
              </button>
              <button type="button" className="secondary" disabled={!canSend} onClick={() => void send("turn")}>
                Queue
              </button>
            </>
          )}
          <button type="submit" className="primary" disabled={!canSend}>
            {running === undefined ? "Send" : "Send now"}
          </button>
        </div>
      </div>
    </form>
  );
}

function placeholder(isClosed: boolean, isRunning: boolean): string {
  if (isClosed) return "The thread is archived";
  return isRunning ? "Say more to the turn that runs" : "Ask Codex to do something";
}

function summary(model: string, effort: string, inForce: { model?: string; effort?: string }): string {
  const words = [model.trim() || inForce.model, effort || inForce.effort].filter((word) => word !== undefined && word !== "");
  return words.length === 0 ? "Settings" : words.join(" · ");
}
