import type { CodexUIMessage } from "convex-codex-local/react";
import type { ComponentType } from "react";
import { memo } from "react";
import { AnswerItem } from "./answer.js";
import { CommandItem } from "./command.js";
import { FileChangeItem } from "./file-change.js";
import { ItemBoundary } from "./item-boundary.js";
import { MarkItem } from "./mark.js";
import { TodoItem } from "./plan-steps.js";
import { ReasoningItem } from "./reasoning.js";
import { ToolItem } from "./tool.js";
import { UserItem } from "./user.js";
import { WebSearchItem } from "./web-search.js";

export interface ItemProps {
  message: CodexUIMessage;
}

// A map: the name of an item's type is Codex's to choose, `constructor` too.
const BY_TYPE = new Map<string, ComponentType<ItemProps>>([
  ["userMessage", UserItem],
  ["agentMessage", AnswerItem],
  ["plan", AnswerItem],
  ["exitedReviewMode", AnswerItem],
  ["reasoning", ReasoningItem],
  ["commandExecution", CommandItem],
  ["fileChange", FileChangeItem],
  ["webSearch", WebSearchItem],
  ["todoList", TodoItem],
  ["contextCompaction", MarkItem],
  ["enteredReviewMode", MarkItem],
]);
const BY_ROLE = new Map<string, ComponentType<ItemProps>>([
  ["user", UserItem],
  ["assistant", AnswerItem],
  ["system", MarkItem],
  ["tool", ToolItem],
]);
const ROLE_NAME = new Map([
  ["user", "You"],
  ["assistant", "Codex"],
]);

/** One message; what ended its turn is told once, behind all of them. A message that did not change is the same object, and is not drawn again. */
export const Item = memo(function Item({ message }: ItemProps) {
  const { sourceItemType = "", role, status } = message;
  const Body = BY_TYPE.get(sourceItemType) ?? BY_ROLE.get(role) ?? ToolItem;
  return (
    <article className={`item item-${role}`} data-status={status} aria-label={ROLE_NAME.get(role)}>
      <ItemBoundary message={message}>
        <Body message={message} />
      </ItemBoundary>
    </article>
  );
});
