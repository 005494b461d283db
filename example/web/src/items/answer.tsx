import { useMemo } from "react";
import { listOf, readItem, stringOf } from "../payload.js";
import { CutText } from "./cut-text.js";
import type { ItemProps } from "./item.js";
import { Markdown } from "./markdown.js";
import { Visible } from "./visible.js";

const LABEL = new Map([
  ["plan", "Plan"],
  ["exitedReviewMode", "Review"],
]);

export function AnswerItem({ message }: ItemProps) {
  const { text, status, sourceItemType = "", payloadJson } = message;
  const label = LABEL.get(sourceItemType);
  return (
    <div className={label === undefined ? "answer" : "answer answer-framed"}>
      {label !== undefined && <h2 className="label">{label}</h2>}
      <Markdown text={text} isWriting={status === "streaming"} />
      <Questions payloadJson={payloadJson} />
      {status === "interrupted" && <p className="aside">Interrupted</p>}
      <CutText message={message} />
    </div>
  );
}

/** Questions and options that are shown, at most. */
const QUESTIONS_MAX = 20;

/** What Codex asks beside its words, and waits for no answer to: it is answered by what is sent next. */
function Questions({ payloadJson }: { payloadJson: string | undefined }) {
  const questions = useMemo(() => listOf(readItem(payloadJson)["questions"]).slice(0, QUESTIONS_MAX), [payloadJson]);
  if (questions.length === 0) return null;
  return (
    <ul className="asked-beside">
      {questions.map((question, at) => (
        <li key={at}>
          <Visible text={stringOf(question["title"]) ?? ""} />
          <Options options={question["options"]} />
        </li>
      ))}
    </ul>
  );
}

function Options({ options }: { options: unknown }) {
  if (!Array.isArray(options) || options.length === 0) return null;
  const said = options.slice(0, QUESTIONS_MAX).map((option) => stringOf(option) ?? "").join(", ");
  return (
    <span className="aside">
      {" "}
      <Visible text={said} />
    </span>
  );
}
