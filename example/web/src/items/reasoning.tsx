import { useState } from "react";
import type { ItemProps } from "./item.js";
import { Caret, RichText } from "./rich-text.js";

/** Open while it is written, unless the reader says otherwise. */
export function ReasoningItem({ message }: ItemProps) {
  const isWriting = message.status === "streaming";
  const [chosen, setChosen] = useState<boolean>();
  const isOpen = chosen ?? isWriting;
  const text = message.text.trim();
  if (text === "") {
    return isWriting ? (
      <p className="reasoning reasoning-empty">
        Thinking
        <Caret />
      </p>
    ) : null;
  }
  const [title = "", ...rest] = text.split("\n");
  const body = rest.join("\n").trim();
  if (body === "") {
    return (
      <div className="reasoning">
        <RichText text={title} isWriting={isWriting} />
      </div>
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
        {title.replaceAll("**", "")}
      </summary>
      <RichText text={body} isWriting={isWriting} />
    </details>
  );
}
