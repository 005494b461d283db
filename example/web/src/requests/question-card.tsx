import type { CodexQuestion, CodexServerRequestView } from "convex-codex-local/react";
import { useState, type SyntheticEvent } from "react";
import { failureWords } from "../failure.js";
import { Visible } from "../items/visible.js";
import { endOf, isOnItsWay, requestTitle } from "./answer-state.js";
import { RequestCard } from "./request-card.js";

export interface QuestionCardProps {
  request: CodexServerRequestView;
  /** Where the command that carried the last answer came to nothing: why. */
  lost?: string | undefined;
  onAnswer: (answers: Record<string, string[]>) => void;
}

/** Questions of Codex, as a form. One that asks for a secret is answered at the machine. */
export function QuestionCard({ request, lost, onAnswer }: QuestionCardProps) {
  const { asked, canAnswer, isAnswering, answerError } = request;
  const isSent = isOnItsWay(request, lost);
  const submit = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onAnswer(Object.fromEntries(asked.map((question, i) => [question.id, answerOf(form, question, i)])));
  };
  return (
    <RequestCard title={requestTitle(request)} failure={(answerError && failureWords(answerError)) ?? lost} until={endOf(request)}>
      <form onSubmit={submit}>
        <div className="request-body" tabIndex={0} role="group" aria-label="What is asked">
          {asked.map((question, i) => (
            <Question key={question.id} question={question} at={i} disabled={!canAnswer || isSent} />
          ))}
          {!canAnswer && <p className="aside">It asks for a secret: answer it at the machine.</p>}
        </div>
        {canAnswer && (
          <div className="request-actions">
            <button type="submit" className="primary" disabled={isAnswering || isSent}>
              {isSent ? "On its way" : "Answer"}
            </button>
          </div>
        )}
      </form>
    </RequestCard>
  );
}

/** The place of the answer that is none of the options. */
const OTHER = -1;

/** In the form fields are called by their place: an id is Codex's to choose, and so is what an option says. */
function Question({ question, at, disabled }: { question: CodexQuestion; at: number; disabled: boolean }) {
  const { header, options, isOther } = question;
  const [chosen, setChosen] = useState<number>();
  const name = `answer-${at}`;
  const isWritten = options.length === 0;
  return (
    <fieldset className="question" disabled={disabled}>
      <legend>
        {header !== "" && <span className="label">{header}</span>}
        <Visible text={question.question} />
      </legend>
      {options.map(({ label, description }, i) => (
        <label key={i} className="option">
          <input
            type="radio"
            name={name}
            value={i}
            required
            checked={chosen === i}
            onChange={() => setChosen(i)}
          />
          <span>
            <Visible text={label} />
            {description !== "" && (
              <small>
                <Visible text={description} />
              </small>
            )}
          </span>
        </label>
      ))}
      {!isWritten && isOther && (
        <label className="option">
          <input
            type="radio"
            name={name}
            value={OTHER}
            required
            checked={chosen === OTHER}
            onChange={() => setChosen(OTHER)}
          />
          <span>Another answer</span>
        </label>
      )}
      {(isWritten || chosen === OTHER) && (
        <input type="text" name={`${name}-text`} required aria-label="Your answer" autoComplete="off" />
      )}
    </fieldset>
  );
}

function answerOf(form: FormData, { options }: CodexQuestion, at: number): string[] {
  const [chosen, written] = [form.get(`answer-${at}`), form.get(`answer-${at}-text`)];
  const answer = chosen === null ? written : (options[Number(chosen)]?.label ?? written);
  return typeof answer === "string" ? [answer.toWellFormed()] : [];
}
