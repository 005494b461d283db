import { useMemo } from "react";
import type { Fields } from "../payload.js";
import { jsonOf, numberOf, readItem, readResult, stringOf } from "../payload.js";
import { AgentLinks } from "./agent-links.js";
import type { ItemProps } from "./item.js";
import { Output } from "./output.js";
import { Picture } from "./picture.js";
import { Status } from "./status.js";
import { TooLarge } from "./too-large.js";
import { Visible } from "./visible.js";

// Maps: the name of an item's type is Codex's to choose, `constructor` too.
const LABEL = new Map([
  ["mcpToolCall", "MCP"],
  ["dynamicToolCall", "Tool"],
  ["functionCallOutput", "Tool"],
  ["collabAgentToolCall", "Agent"],
  ["subAgentActivity", "Agent"],
  ["imageGeneration", "Image"],
  ["imageView", "Image"],
  ["sleep", "Wait"],
]);
const GLYPH = new Map([
  ["imageView", "▣"],
  ["imageGeneration", "▣"],
  ["sleep", "◔"],
]);
/** Longer names are cut, in UTF-16 units. */
const NAME_UNITS_MAX = 300;

/** A call of any tool, those that this page has never heard of included. */
export function ToolItem({ message }: ItemProps) {
  const { payloadJson, sourceItemType = "tool", status, text, output } = message;
  const item = useMemo(() => readItem(payloadJson), [payloadJson]);
  const server = stringOf(item["server"]) ?? stringOf(item["namespace"]);
  const name = [server, stringOf(item["tool"])].filter((part) => part !== undefined).join(".");
  const activity = sourceItemType === "subAgentActivity" ? stringOf(item["kind"]) : undefined;
  return (
    <div className="box">
      <div className="box-head">
        <span className="glyph" aria-hidden="true">
          {GLYPH.get(sourceItemType) ?? "◇"}
        </span>
        <span className="line">
          <span className="kind">
            <Visible text={LABEL.get(sourceItemType) ?? sourceItemType.slice(0, NAME_UNITS_MAX)} />
          </span>{" "}
          <Visible text={(name === "" ? text : name).slice(0, NAME_UNITS_MAX)} />
          {activity !== undefined && <Visible text={` ${activity.slice(0, NAME_UNITS_MAX)}`} />}
        </span>
        <Status status={status} durationMs={numberOf(item["durationMs"])} />
      </div>
      <Given item={item} />
      <AgentLinks item={item} />
      {output === undefined ? <Gave item={item} /> : <Output output={output} isLive />}
      {message.payloadTruncated === true && (
        <TooLarge
          message={message}
          label="Result"
          draw={(whole) => (
            <>
              <Given item={whole} />
              <Gave item={whole} />
            </>
          )}
        />
      )}
    </div>
  );
}

function Given({ item }: { item: Fields }) {
  const given = useMemo(() => {
    const value = item["arguments"] ?? item["prompt"];
    return typeof value === "string" ? value : jsonOf(value);
  }, [item]);
  if (given === undefined || given === "{}" || given === "") return null;
  return (
    <div className="given">
      <Output output={given} label="Arguments" />
    </div>
  );
}

function Gave({ item }: { item: Fields }) {
  const { text, images } = useMemo(() => readResult(item), [item]);
  return (
    <>
      {text !== undefined && <Output output={text} label="Result" />}
      {images.slice(0, IMAGES_MAX).map((image, i) => (
        <Picture key={i} url={image} name={`Image ${i + 1}`} />
      ))}
    </>
  );
}

const IMAGES_MAX = 20;
