/** What one message of codex is in a message of assistant-ui. */
import type { ThreadMessageLike } from "@assistant-ui/react";
import type { CodexUIMessage } from "../mapping/index.js";
import { itemOf } from "../protocol/fields.js";

/** A part of a message. */
export type Part = Exclude<ThreadMessageLike["content"], string>[number];
/** The part that a tool's call is. */
export type ToolCallPart = Extract<Part, { readonly type: "tool-call" }>;
/** The arguments of a tool's call. */
type ToolArgs = NonNullable<ToolCallPart["args"]>;

type Fields = Readonly<Record<string, unknown>>;

/** What a tool's call is made of, whole: its part's `artifact`, for the app's own renderers. */
export interface CodexToolArtifact {
  /** Absent where codex asks about what is not among the messages. */
  readonly message?: CodexUIMessage;
  /** The approval or the question that waits. */
  readonly request?: object;
}

/** A message with what it is there. Its payload is read once, however often its text grows. */
export interface ReadMessage {
  readonly message: CodexUIMessage;
  readonly item: Fields;
  /** Of a tool's call. */
  readonly call: Pick<ToolCallPart, "toolName" | "args" | "argsText"> | undefined;
  readonly parts: readonly Part[];
  /** Of a review, its text: codex says it over again in an answer. */
  readonly review: string | undefined;
}

/** What of these an item is asked with. Of every other type it is all that is not known to be something else. */
const ARGS = new Map<unknown, readonly string[]>([
  ["commandExecution", ["command", "cwd"]],
  ["fileChange", ["changes"]],
  ["webSearch", ["query", "action"]],
]);
/** What came of an item. */
const RESULTS = ["aggregatedOutput", "exitCode", "durationMs", "result", "contentItems", "success", "output", "error", "failure"];
const NO_ARGS: ReadonlySet<string> = new Set(["id", "type", "status", "startedAtMs", "completedAtMs", "$payload", ...RESULTS]);
/** Images that are part of what was sent. Those that lie elsewhere are never loaded, and SVG is a document. */
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+=*$/;

/**
 * Reads a message.
 *
 * @param message the message
 * @param before what it was read as before: the same again where it did not change, and its payload is not read again
 */
export function readMessage(message: CodexUIMessage, before: ReadMessage | undefined): ReadMessage {
  if (before?.message === message) return before;
  const isKnown = before !== undefined && before.message.payloadJson === message.payloadJson;
  const item = isKnown ? before.item : itemOf(message.payloadJson);
  const isSameCall = isKnown && before.call !== undefined && before.message.text === message.text;
  const call = isSameCall ? before.call : message.role === "tool" ? callOf(message, item) : undefined;
  const review = message.sourceItemType === "exitedReviewMode" ? message.text : undefined;
  return { message, item, call, parts: partsOf(message, item, call), review };
}

/** What was sent, in parts: its texts, its images, and all else under its own name, for the app's renderers. */
export function inputParts(input: unknown, text: string, id: string): Part[] {
  const others = (Array.isArray(input) ? input : []).filter((one) => isFields(one) && one["type"] !== "text") as Fields[];
  return [...(text === "" ? [] : [{ type: "text", text, id } as const]), ...others.map(inputPart)];
}

/** A call's arguments, and the text that they are. What is nested too deep to be written has neither. */
export function argsOf(fields: Fields): { readonly args: ToolArgs; readonly argsText: string } {
  try {
    return { args: fields as ToolArgs, argsText: JSON.stringify(fields) };
  } catch {
    return { args: {}, argsText: "{}" };
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function partsOf(message: CodexUIMessage, item: Fields, call: ReadMessage["call"]): Part[] {
  const { _id: id, role, text, sourceItemType } = message;
  if (call !== undefined) return [{ type: "tool-call", toolCallId: id, ...call, ...resultOf(message, item), artifact: { message } satisfies CodexToolArtifact }];
  if (role === "user") return inputParts(item["content"], text, id);
  if (sourceItemType === "reasoning") return [{ type: "reasoning", text, id }];
  // A mark in the turn, as the compaction of its context. A message of the system's would part the answer in two.
  if (role === "system") return [{ type: "data", id, name: sourceItemType ?? "system", data: message }];
  return text === "" ? [] : [{ type: "text", text, id }];
}

function callOf({ sourceItemType = "tool", text }: CodexUIMessage, item: Fields): ReadMessage["call"] {
  const { tool, arguments: given } = item;
  if (typeof tool === "string" && given !== undefined) return { toolName: tool, ...argsOf(isFields(given) ? given : { arguments: given }) };
  const names = ARGS.get(sourceItemType) ?? Object.keys(item).filter((name) => !NO_ARGS.has(name));
  const fields = fieldsOf(item, names);
  // A payload that is too large for a list is a stub: the message's text says in short what it is.
  return { toolName: sourceItemType, ...argsOf(Object.keys(fields).length === 0 && text !== "" ? { text } : fields) };
}

/** What a call gave back so far. Without a result it runs. */
function resultOf({ status, output, error }: CodexUIMessage, item: Fields): Pick<ToolCallPart, "result" | "isPreliminary" | "isError"> {
  if (status === "streaming") return output === undefined ? {} : { result: { status, aggregatedOutput: output }, isPreliminary: true };
  const said = fieldsOf({ ...item, ...(output !== undefined && { aggregatedOutput: output }) }, RESULTS);
  return { result: { status, ...said, ...(error !== undefined && said["error"] === undefined && { error }) }, ...(status === "failed" && { isError: true }) };
}

function fieldsOf(item: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.flatMap((name) => (item[name] === undefined || item[name] === null ? [] : [[name, item[name]]])));
}

function inputPart(one: Fields): Part {
  const { type, url } = one;
  if (type === "image" && typeof url === "string" && IMAGE.test(url)) return { type: "image", image: url };
  return { type: "data", name: typeof type === "string" ? type : "input", data: one };
}
