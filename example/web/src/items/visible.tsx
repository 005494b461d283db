import { memo } from "react";
import { visibleParts } from "./visible-parts.js";

/**
 * Text of somebody else's making, as it is: what cannot be seen is named, line feeds are kept, and nothing in it reorders
 * what is around it. It is what an approval shows.
 *
 * ```tsx
 * <code><Visible text={command} /></code>
 * ```
 *
 * @param props.text a command, a path, a name
 */
export const Visible = memo(function Visible({ text }: { text: string }) {
  const parts = visibleParts(text);
  return (
    <bdi className="visible" dir="ltr">
      {parts.map((part, i) =>
        part.type === "text" ? (
          part.text
        ) : (
          <span key={i} className="unseen" title={part.name}>
            {part.text}
          </span>
        ),
      )}
    </bdi>
  );
});
