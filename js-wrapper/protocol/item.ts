/** Items of a turn as messages: who speaks, in which words, and how it ended. As `src/event/item.rs` has it, which tests hold it to. */
import { elementsOf, type Fields, fieldsOf, textOf } from "./fields.js";
import { type MessageOutcome, outcomeOf } from "./outcome.js";

/** Who speaks in a message. */
export type CanonicalMessageRole = "user" | "assistant" | "system" | "tool";

type Words = (item: Fields) => string;

const nothing: Words = () => "";
const own =
  (key: string): Words =>
  (item) =>
    textOf(item[key]) ?? "";
const input: Words = (item) => {
  const texts = elementsOf(item["content"]).map((part) => (fieldsOf(part)?.["type"] === "text" ? textOf(fieldsOf(part)?.["text"]) : undefined));
  return joined(texts, "\n");
};
const summary: Words = (item) => joined(elementsOf(item["summary"]).map(textOf), "\n\n");
const fragments: Words = (item) => joined(elementsOf(item["fragments"]).map((part) => textOf(fieldsOf(part)?.["text"])), "\n");
const changes: Words = (item) => {
  const paths = elementsOf(item["changes"]).map((change) => textOf(fieldsOf(change)?.["path"]) ?? "");
  const files = `${String(paths.length)} ${paths.length === 1 ? "file" : "files"}`;
  return paths.length === 0 ? files : `${files}: ${paths.join(", ")}`;
};
const milliseconds: Words = (item) => {
  const ms = item["durationMs"];
  return `${Number.isSafeInteger(ms) && Number(ms) >= 0 ? String(ms) : "0"} ms`;
};

/** Every type of item. Every other one is a tool's, without a text. */
export const ITEM_TYPES = {
  agentMessage: ["assistant", own("text")],
  collabAgentToolCall: ["tool", own("tool")],
  commandExecution: ["tool", own("command")],
  contextCompaction: ["system", nothing],
  dynamicToolCall: ["tool", own("tool")],
  enteredReviewMode: ["system", own("review")],
  exitedReviewMode: ["assistant", own("review")],
  fileChange: ["tool", changes],
  functionCallOutput: ["tool", own("name")],
  hookPrompt: ["system", fragments],
  imageGeneration: ["tool", own("revisedPrompt")],
  imageView: ["tool", own("path")],
  mcpToolCall: ["tool", own("tool")],
  plan: ["assistant", own("text")],
  reasoning: ["assistant", summary],
  sleep: ["tool", milliseconds],
  subAgentActivity: ["tool", own("agentPath")],
  userMessage: ["user", input],
  webSearch: ["tool", own("query")],
} as const satisfies Record<string, readonly [CanonicalMessageRole, Words]>;

/** An item as a message carries it. */
interface ReadItem {
  readonly id: string;
  readonly type: string;
  readonly role: CanonicalMessageRole;
  readonly text: string;
  /** How it ended, if its message ends it. */
  readonly outcome: MessageOutcome;
}

/** Reads an item; undefined where it has no id and type. */
export function readItem(value: unknown): ReadItem | undefined {
  const item = fieldsOf(value);
  const [id, type] = [textOf(item?.["id"]), textOf(item?.["type"])];
  if (item === undefined || id === undefined || type === undefined) return undefined;
  const [role, words] = Object.hasOwn(ITEM_TYPES, type) ? ITEM_TYPES[type as keyof typeof ITEM_TYPES] : (["tool", nothing] as const);
  return { id, type, role, text: words(item), outcome: outcomeOf(item) };
}

function joined(texts: readonly (string | undefined)[], between: string): string {
  return texts.filter((text) => text !== undefined).join(between);
}
