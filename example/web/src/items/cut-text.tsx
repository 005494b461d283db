import type { CodexUIMessage } from "convex-codex-local/react";
import { useContext } from "react";
import { ReadersContext } from "./readers.js";
import { WholeText } from "./whole-text.js";

/** Says of a text that is only its beginning that it is, and reads all of it on request. */
export function CutText({ message, label = "Text" }: { message: CodexUIMessage; label?: string }) {
  const readers = useContext(ReadersContext);
  if (message.textTruncated !== true) return null;
  return (
    <>
      <p className="aside">This is only the beginning of the text.</p>
      {readers !== null && <WholeText label={label} read={(cursor) => readers.text(message, cursor)} />}
    </>
  );
}
