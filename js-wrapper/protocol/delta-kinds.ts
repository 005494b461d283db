/** The kinds of the events that hold a piece of an item, and of what. */

/** Of an agent's text, or of a plan's: the type of the item. */
export const TEXT_DELTAS: ReadonlyMap<string | undefined, "agentMessage" | "plan"> = new Map([
  ["item/agentMessage/delta", "agentMessage"],
  ["item/plan/delta", "plan"],
]);

/** Of reasoning: whether it is the summary of what the model thought, or the thoughts themselves; a break has no text. */
export const REASONING_DELTAS: ReadonlyMap<string | undefined, { readonly channel: "summary" | "raw"; readonly segmentType: "textDelta" | "sectionBreak" }> = new Map([
  ["item/reasoning/summaryTextDelta", { channel: "summary", segmentType: "textDelta" }],
  ["item/reasoning/summaryPartAdded", { channel: "summary", segmentType: "sectionBreak" }],
  ["item/reasoning/textDelta", { channel: "raw", segmentType: "textDelta" }],
]);
