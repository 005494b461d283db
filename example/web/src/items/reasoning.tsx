import { useState } from "react";
import { Caret } from "./caret.js";
import { CutText } from "./cut-text.js";
import type { ItemProps } from "./item.js";
import { Markdown } from "./markdown.js";

/** A title is a line of its own, set in bold; anything else is text. */
const TITLE = /^\*\*([^*\n]+)\*\*[ \t]*$/;

/** Open while it is written, unless the reader says otherwise. */
export function ReasoningItem({ message }: ItemProps) {
  const isWriting = message.status === "streaming";
  const [chosen, setChosen] = useState<boolean>();
  const isOpen = chosen ?? isWriting;
  const text = message.text.trimStart();
  if (text === "") {
    return isWriting ? (
      <p className="reasoning reasoning-empty">
        Thinking
        <Caret />
      </p>
    ) : null;
  }
  const end = text.indexOf("\n");
  const first = end === -1 ? text : text.slice(0, end);
  const title = TITLE.exec(first)?.[1];
  const body = title === undefined ? text : text.slice(first.length).trimStart();
  if (body === "") {
    return (
      <p className="reasoning">
        {title}
        {isWriting && <Caret />}
      </p>
    );
  }
  return (
    <details className="reasoning" open={isOpen}>
      <summary
        onClick={(event) => {
          event.preventDefault();
          setChosen(!isOpen);
        }}
      >
        <bdi>{title ?? "Reasoning"}</bdi>
      </summary>
      {isOpen && (
        <>
          <Markdown text={body} isWriting={isWriting} />
          <CutText message={message} label="Reasoning" />
        </>
      )}
    </details>
  );
}
