import type { Code } from "../markdown/blocks.js";
import { CopyButton } from "./copy-button.js";
import { Visible } from "./visible.js";

/** Code between fences, as it is. A long one comes in parts, of which the first says the language. */
export function CodeBlock({ text, language, isFirst, isLast }: Code & { text: string }) {
  const place = `code${isFirst ? " code-first" : ""}${isLast ? " code-last" : ""}`;
  return (
    <div className={place}>
      {isFirst && (
        <div className="code-head">
          <span>
            <Visible text={language} />
          </span>
          {isLast && <CopyButton text={text} label="Copy the code" />}
        </div>
      )}
      {/* It scrolls: a keyboard has to reach it. */}
      <pre tabIndex={0} aria-label="Code" role="region">
        <code>
          <Visible text={text.replace(/\n$/, "")} />
        </code>
      </pre>
    </div>
  );
}
