/**
 * What readers get where the server does not let them see raw reasoning, though it is kept: the answers of the component, and what
 * was thought in full is not in them. Nothing else moves: rows, windows and cursors are as they were.
 */
import { elementsOf, fieldsOf, readJson } from "../protocol/fields.js";
import type { CodexComponent, CodexMessageDoc, CodexQuarantinedEvent, CodexReplay, CodexTextPiece, HostQueryCtx } from "./component.js";
import type { HostPageForHooks } from "./messages.js";
import { getMessagePayloadForActor, type HostPieceArgs } from "./whole.js";

const REASONING = "reasoning";
const RAW_DELTA = "item/reasoning/textDelta";
/** What JSON has that names reasoning: the word, or a letter of it as an escape. */
const MAY_NAME_REASONING = /reasoning|\\u00[67]/;

type Delta = Pick<CodexReplay["deltas"][number], "kind" | "payloadJson">;

/** A page of whatever rows, its streams without raw reasoning. */
export function streamsWithoutRaw<Page extends Pick<HostPageForHooks<unknown>, "streams">>(page: Page): Page {
  const { streams } = page;
  return streams?.kind === "deltas" ? { ...page, streams: withoutRaw(streams) } : page;
}

/** What was read of a stream, without raw reasoning: an event that holds nothing else is not there. */
export function withoutRaw<Read extends { deltas: Delta[] }>(read: Read): Read {
  const shown = read.deltas.filter(({ kind }) => kind !== RAW_DELTA);
  return { ...read, deltas: shown.map((delta) => ({ ...delta, payloadJson: jsonWithoutRaw(delta.payloadJson) })) };
}

/** Messages without raw reasoning. */
export function messagesWithoutRaw(messages: CodexMessageDoc[]): CodexMessageDoc[] {
  return messages.map((row) => (row.sourceItemType === REASONING ? { ...row, payloadJson: jsonWithoutRaw(row.payloadJson) } : row));
}

/** Malformed events, without the payload where it may hold raw reasoning: where it lies in what is malformed nobody knows. */
export function quarantinedWithoutRaw(events: CodexQuarantinedEvent[]): CodexQuarantinedEvent[] {
  return events.map((event) => (MAY_NAME_REASONING.test(event.kind + event.payloadJson) ? { ...event, payloadJson: "" } : event));
}

/**
 * {@link getMessagePayloadForActor} without raw reasoning. A payload that holds some comes in one piece, without it: what is left
 * is short. To know, every piece is read, whichever is asked for: where an item says what it is, is not known.
 */
export async function getPayloadWithoutRaw(ctx: HostQueryCtx, component: CodexComponent, args: HostPieceArgs): Promise<CodexTextPiece | null> {
  const read = (cursor: HostPieceArgs["cursor"]) => getMessagePayloadForActor(ctx, component, { ...args, cursor });
  const asked = await read(args.cursor);
  const isFirst = args.cursor === undefined || args.cursor === null || args.cursor === "";
  let last = isFirst || asked === null ? asked : await read(null);
  let json = "";
  while (last !== null) {
    json += last.text;
    if (last.isDone) break;
    last = await read(last.continueCursor);
  }
  const shown = jsonWithoutRaw(json);
  if (last === null || shown === json) return asked;
  const text = isFirst ? shown : "";
  return { ...last, text, bytes: new TextEncoder().encode(text).length };
}

/** An item's JSON, or a message's about items, without raw reasoning; as it is where there is none. What cannot be read is not shown. */
function jsonWithoutRaw(json: string): string {
  if (!MAY_NAME_REASONING.test(json)) return json;
  const whole = readJson(json);
  if (whole === undefined) return "";
  const params = fieldsOf(fieldsOf(whole)?.["params"]);
  const items = [whole, params?.["item"], ...elementsOf(fieldsOf(params?.["turn"])?.["items"])].map(fieldsOf);
  const raw = items.filter((item) => item?.["type"] === REASONING && item["content"] !== undefined);
  if (raw.length === 0) return json;
  for (const item of raw) Object.assign(item as object, { content: [] });
  return JSON.stringify(whole);
}
