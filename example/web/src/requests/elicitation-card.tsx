import type { CodexServerRequestView } from "convex-codex-local/react";
import { useMemo, useRef, useState, type SyntheticEvent } from "react";
import { failureWords } from "../failure.js";
import { Link } from "../items/link.js";
import { Visible } from "../items/visible.js";
import { fields as fieldsOf, setOut, stringOf, type Fields } from "../payload.js";
import { ElicitationField } from "./elicitation-field.js";
import { contentOf, readFields, whatIsWrong, type Content, type Field, type Value } from "./elicitation.js";
import { endOf, isOnItsWay, requestTitle } from "./answer-state.js";
import { NoForm } from "./no-form.js";
import { RequestCard } from "./request-card.js";
import { useSeen } from "./use-seen.js";

export interface ElicitationCardProps {
  request: CodexServerRequestView;
  /** Where the command that carried the last answer came to nothing: why. */
  lost?: string | undefined;
  /** Says yes, with what was filled in. */
  onAccept: (content?: Content) => void;
  onDecline: () => void;
  /** Says nothing: the server hears that nobody chose. */
  onCancel: () => void;
}

const NO_FIELDS: readonly Field[] = [];

/** What an MCP server wants to know or to be allowed, as a form. What this page has no form for can be seen, and declined. */
export function ElicitationCard({ request, lost, onAccept, onDecline, onCancel }: ElicitationCardProps) {
  const { params, payloadJson, isAnswering, answerError } = request;
  const form = useRef<HTMLFormElement>(null);
  const asked = useMemo(() => readAsked(params), [params]);
  const fields = asked.fields ?? NO_FIELDS;
  const [values, setValues] = useState<readonly Value[]>(() => fields.map(({ initial }) => initial));
  const [isTried, setTried] = useState(false);
  const { end, isSeen } = useSeen(payloadJson);
  const isSent = isOnItsWay(request, lost);
  const isLocked = isAnswering || isSent;
  const wrong = fields.map((field, at) => whatIsWrong(field, values[at]));

  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (!asked.canAccept || !isSeen || isLocked) return;
    const first = wrong.findIndex((words) => words !== undefined);
    setTried(true);
    if (first === -1) onAccept(asked.fields === undefined ? undefined : contentOf(fields, values));
    else form.current?.querySelectorAll<HTMLElement>(".field")[first]?.querySelector<HTMLElement>("input")?.focus();
  };
  return (
    <RequestCard title={requestTitle(request)} failure={(answerError && failureWords(answerError)) ?? lost} until={endOf(request)}>
      <form ref={form} onSubmit={submit} noValidate>
        <div className="request-body" tabIndex={0} role="group" aria-label="What is asked">
          {asked.message !== undefined && (
            <p>
              <Visible text={asked.message} />
            </p>
          )}
          {asked.tool !== undefined && <ToolCall tool={asked.tool} />}
          {asked.url !== undefined && <Address url={asked.url} />}
          {fields.map((field, at) => (
            <ElicitationField
              key={at}
              field={field}
              value={values[at]}
              wrong={isTried ? wrong[at] : undefined}
              isDisabled={isLocked}
              onChange={(value) => setValues((before) => before.map((one, place) => (place === at ? value : one)))}
            />
          ))}
          {fields.length > 0 && <p className="aside">Give no password here: what you fill in goes through your deployment to this server.</p>}
          {!asked.canAccept && <NoForm params={params} instead="answer it at the machine, or decline" />}
          <div ref={end} className="request-end" />
        </div>
        <div className="request-actions">
          <button type="button" className="secondary" disabled={isLocked} onClick={onDecline}>
            Decline
          </button>
          <button type="button" className="secondary" disabled={isLocked} onClick={onCancel} title="Say neither yes nor no">
            Cancel
          </button>
          {asked.canAccept && (
            <button type="submit" className="primary" disabled={isLocked || !isSeen} title={isSeen ? undefined : "Scroll to its end first"}>
              {isSent ? "On its way" : asked.accept}
            </button>
          )}
        </div>
      </form>
    </RequestCard>
  );
}

/** What is asked, as far as this page can show it. */
interface Asked {
  message: string | undefined;
  /** Of a form. */
  fields?: readonly Field[];
  /** Of an address to go to. */
  url?: string;
  /** Of a tool that wants to be run: Codex asks for it as an MCP server would. */
  tool?: Fields;
  canAccept: boolean;
  /** What the button says. */
  accept: string;
}

function readAsked(params: Fields): Asked {
  const message = stringOf(params["message"]);
  const meta = fieldsOf(params["_meta"]);
  const isToolCall = meta["codex_approval_kind"] === "mcp_tool_call";
  switch (params["mode"]) {
    case "form":
    case "openai/form":
    case "openaiForm": {
      const fields = readFields(params["requestedSchema"]);
      if (fields === undefined) return { message, canAccept: false, accept: "" };
      if (isToolCall) return { message, fields, tool: meta, canAccept: setOut(meta["tool_params"] ?? {}) !== undefined, accept: "Run it" };
      return { message, fields, canAccept: true, accept: fields.length === 0 ? "Accept" : "Send" };
    }
    case "url": {
      const url = stringOf(params["url"]);
      return url === undefined ? { message, canAccept: false, accept: "" } : { message, url, canAccept: true, accept: "I will go there" };
    }
    default:
      return { message, canAccept: false, accept: "" };
  }
}

/** The tool, and what it would be given, all of it. */
function ToolCall({ tool }: { tool: Fields }) {
  const description = stringOf(tool["tool_description"]);
  return (
    <>
      <pre className="request-command">
        <Visible text={`${stringOf(tool["tool_name"]) ?? ""} ${setOut(tool["tool_params"] ?? {}) ?? "…"}`} />
      </pre>
      {description !== undefined && (
        <p className="request-reason">
          <span>Its server says of it:</span> <Visible text={description} />
        </p>
      )}
    </>
  );
}

/** Nothing opens it but a click, and its host stands beside it. */
function Address({ url }: { url: string }) {
  const host = URL.canParse(url) ? new URL(url).host : "";
  return (
    <>
      {host !== "" && (
        <p className="request-where">
          wants you to go to <code>{host}</code>
        </p>
      )}
      <p className="request-command">
        <Link url={url} text={url} />
      </p>
    </>
  );
}
