import { useContext } from "react";
import type { ItemProps } from "./item.js";
import { Markdown } from "./markdown.js";
import { ReadersContext } from "./readers.js";
import { WholeText } from "./whole-text.js";

const LABEL = new Map([
  ["plan", "Plan"],
  ["exitedReviewMode", "Review"],
]);

export function AnswerItem({ message }: ItemProps) {
  const { text, status, sourceItemType = "", textTruncated } = message;
  const readers = useContext(ReadersContext);
  const label = LABEL.get(sourceItemType);
  return (
    <div className={label === undefined ? "answer" : "answer answer-framed"}>
      {label !== undefined && <h2 className="label">{label}</h2>}
      <Markdown text={text} isWriting={status === "streaming"} />
      {status === "interrupted" && <p className="aside">Interrupted</p>}
      {textTruncated === true && (
        <>
          <p className="aside">This is only the beginning of the text.</p>
          {readers !== null && (
            <WholeText label="Text" read={(cursor) => readers.text(message, cursor)} />
          )}
        </>
      )}
    </div>
  );
}
