import { useMemo } from "react";
import { cutText } from "../text.js";

/** An answer's text. Never HTML: every piece is a text node. */
export function RichText({ text, isWriting = false }: { text: string; isWriting?: boolean }) {
  const pieces = useMemo(() => cutText(text), [text]);
  return (
    <div className="rich">
      {pieces.map((piece, i) => {
        switch (piece.type) {
          case "strong":
            return <strong key={i}>{piece.text}</strong>;
          case "code":
            return <code key={i}>{piece.text}</code>;
          case "fence":
            return <pre key={i}>{piece.text}</pre>;
          case "link":
            return (
              <a key={i} href={piece.text} target="_blank" rel="noopener noreferrer">
                {piece.text}
              </a>
            );
          default:
            return <span key={i}>{piece.text}</span>;
        }
      })}
      {isWriting && <Caret />}
    </div>
  );
}

/** Where the text is being written. */
export function Caret() {
  return <span className="caret" aria-hidden="true" />;
}
