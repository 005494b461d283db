import { useMemo } from "react";
import { formatTime } from "../format.js";
import { listOf, imageOf, readItem, stringOf } from "../payload.js";
import { pagesOf } from "../pages.js";
import { CutText } from "./cut-text.js";
import { Picture } from "./picture.js";
import type { ItemProps } from "./item.js";
import { Pages } from "./pages.js";
import { Visible } from "./visible.js";

/** What somebody asked for, by the letter: it is no Markdown, and what was pasted keeps its form. */
export function UserItem({ message }: ItemProps) {
  const { text, payloadJson, createdAt } = message;
  const inputs = useMemo(() => listOf(readItem(payloadJson)["content"]), [payloadJson]);
  const [first] = useMemo(() => pagesOf(text), [text]);
  const isLong = first !== undefined && first.to < text.length;
  return (
    <div className="bubble">
      {isLong ? (
        <Pages text={text} label="Message" />
      ) : (
        text !== "" && <p className="said">{text}</p>
      )}
      <CutText message={message} label="Message" />
      {inputs.map((input, i) => (
        <Attachment key={i} input={input} />
      ))}
      <time dateTime={isoTime(createdAt)}>{formatTime(createdAt)}</time>
    </div>
  );
}

/** What was given beside the text: an image, a file, a skill. */
function Attachment({ input }: { input: Record<string, unknown> }) {
  const type = stringOf(input["type"]);
  if (type === undefined || type === "text") return null;
  const image = imageOf(input);
  if (type === "image" && image !== undefined) return <Picture url={image} name="Image" isShown />;
  const name = stringOf(input["name"]) ?? stringOf(input["path"]) ?? stringOf(input["url"]) ?? "";
  return (
    <p className="attachment">
      {KINDS.get(type) ?? "attached"} <Visible text={name.slice(0, NAME_UNITS_MAX)} />
    </p>
  );
}

const NAME_UNITS_MAX = 300;
const KINDS = new Map([
  ["image", "image"],
  ["localImage", "image"],
  ["audio", "sound"],
  ["localAudio", "sound"],
  ["skill", "skill"],
  ["mention", "mention of"],
]);

/** A clock may say what no date is. */
function isoTime(at: number): string | undefined {
  const time = new Date(at);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
