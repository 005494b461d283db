import { useMemo } from "react";
import { numberOf, readItem, stringOf, tooLarge, toolText } from "../payload.js";
import type { ItemProps } from "./item.js";
import { Output } from "./output.js";
import { Status } from "./status.js";

// Maps: the name of an item's type is Codex's to choose, `constructor` too.
const GLYPH = new Map([
  ["webSearch", "◎"],
  ["imageView", "▣"],
]);
const LABEL = new Map([
  ["mcpToolCall", "MCP"],
  ["dynamicToolCall", "Tool"],
  ["webSearch", "Search"],
  ["imageView", "Image"],
]);

/** A call of any other tool, those that this page has never heard of included. */
export function ToolItem({ message }: ItemProps) {
  const { payloadJson, sourceItemType = "tool", status, text } = message;
  const item = useMemo(() => readItem(payloadJson), [payloadJson]);
  const given = toolText(item["arguments"]);
  const gave =
    toolText(item["result"]) ?? toolText(item["contentItems"]) ?? toolText(item["error"]);
  const server = stringOf(item["server"]);
  const name = [server, stringOf(item["tool"])].filter((part) => part !== undefined).join(".");
  return (
    <div className="box">
      <div className="box-head">
        <span className="glyph" aria-hidden="true">
          {GLYPH.get(sourceItemType) ?? "◇"}
        </span>
        <span className="line">
          <span className="kind">{LABEL.get(sourceItemType) ?? sourceItemType}</span>{" "}
          {name === "" ? text : name}
        </span>
        <Status status={status} durationMs={numberOf(item["durationMs"])} />
      </div>
      {given !== undefined && given !== "{}" && <pre className="given">{given}</pre>}
      {message.output !== undefined ? (
        <Output output={message.output} />
      ) : (
        gave !== undefined && <Output output={gave} />
      )}
      {message.payloadTruncated === true && <p className="aside">{tooLarge(item)}</p>}
    </div>
  );
}
