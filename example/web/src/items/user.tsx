import { formatTime } from "../format.js";
import type { ItemProps } from "./item.js";
import { RichText } from "./rich-text.js";

export function UserItem({ message }: ItemProps) {
  return (
    <div className="bubble">
      <RichText text={message.text} />
      <time dateTime={new Date(message.createdAt).toISOString()}>
        {formatTime(message.createdAt)}
      </time>
    </div>
  );
}
