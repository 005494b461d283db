import { CutText } from "./cut-text.js";
import type { ItemProps } from "./item.js";
import { Markdown } from "./markdown.js";

const LABEL = new Map([
  ["plan", "Plan"],
  ["exitedReviewMode", "Review"],
]);

export function AnswerItem({ message }: ItemProps) {
  const { text, status, sourceItemType = "" } = message;
  const label = LABEL.get(sourceItemType);
  return (
    <div className={label === undefined ? "answer" : "answer answer-framed"}>
      {label !== undefined && <h2 className="label">{label}</h2>}
      <Markdown text={text} isWriting={status === "streaming"} />
      {status === "interrupted" && <p className="aside">Interrupted</p>}
      <CutText message={message} />
    </div>
  );
}
