import { useState } from "react";

/** What may not fit into a line, in UTF-16 units. */
const LINE_UNITS = 40;

/** What was asked for, in a line; all of it where its reader wants it. */
export function Wish({ words }: { words: string }) {
  const [isOpen, setIsOpen] = useState(false);
  const isLong = words.length > LINE_UNITS || words.includes("\n");
  return (
    <>
      <span className={isOpen ? "wish wish-open" : "wish"} dir="auto">
        {words}
      </span>
      {isLong && (
        <button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          Show all
        </button>
      )}
    </>
  );
}
