import type { CodexUIMessage } from "convex-codex-local/react";
import type { ReactNode } from "react";
import { useContext, useMemo } from "react";
import { formatUnits } from "../format.js";
import type { Fields } from "../payload.js";
import { payloadUnits, readItem } from "../payload.js";
import { ReadersContext } from "./readers.js";
import { WholeText } from "./whole-text.js";

export interface TooLargeProps {
  message: CodexUIMessage;
  /** What of it is too large: `Output`. */
  label: string;
  /** How the item is drawn once all of it is there. */
  draw: (item: Fields) => ReactNode;
}

/** Stands in the place of what is too large for a list, and reads it on request. */
export function TooLarge({ message, label, draw }: TooLargeProps) {
  const readers = useContext(ReadersContext);
  const units = payloadUnits(message.payloadJson);
  return (
    <div className="too-large">
      <p className="aside">
        {label} too large for a list{units !== undefined && ` (${formatUnits(units)})`}.
      </p>
      {readers !== null && (
        <WholeText
          label={label}
          read={(cursor) => readers.payload(message, cursor)}
          draw={(whole) => <WholeItem payloadJson={whole} draw={draw} />}
        />
      )}
    </div>
  );
}

function WholeItem({ payloadJson, draw }: { payloadJson: string; draw: TooLargeProps["draw"] }) {
  const item = useMemo(() => readItem(payloadJson), [payloadJson]);
  return draw(item);
}
