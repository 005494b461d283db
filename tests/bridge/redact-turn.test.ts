import { describe, expect, it } from "vitest";
import { redactTurn } from "../../js-wrapper/bridge/index.js";
import { redactMessage } from "../../js-wrapper/core/bridge.js";
import { historyPage } from "../../js-wrapper/host/history.js";

const KEY = "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a";
const text = { id: "m", type: "agentMessage", text: `The key is ${KEY}.` };
const call = { id: "c", type: "mcpToolCall", status: "completed", arguments: { password: "hunter22", at: [1, { key: KEY }] }, result: null };
const plain = { id: "p", type: "userMessage", content: [{ type: "text", text: "Hello." }] };
/** A value in as many lists. */
const within = (depth: number, value: unknown): unknown => (depth === 0 ? value : [within(depth - 1, value)]);

describe("a turn of a history without its secrets", () => {
  it("says in each item what the item's event does, and loses nothing else", () => {
    const turn = { id: "u", status: "failed", error: { message: `no such key: ${KEY}` }, items: [plain, text, call, null, "odd"] };
    const event = (item: unknown) => (JSON.parse(redactMessage(JSON.stringify({ method: "item/completed", params: { threadId: "t", turnId: "u", item } }))) as { params: { item: unknown } }).params.item;
    const redacted = redactTurn(turn);
    expect(redacted).toEqual({ id: "u", status: "failed", error: { message: "no such key: [redacted:key]" }, items: turn.items.map(event) });
    expect(redacted.items.slice(1, 3)).toEqual([
      { ...text, text: "The key is [redacted:key]." },
      { ...call, arguments: { password: "[redacted:secret]", at: [1, { key: "[redacted:key]" }] } },
    ]);
    expect(redacted.items[0]).toBe(plain);
    expect(redactTurn(redacted)).toEqual(redacted);
  });

  it("has none in what stands for an item that is too large", async () => {
    const item = { id: "c", type: "commandExecution", command: `login ${KEY}`, aggregatedOutput: `${KEY} `.repeat(120_000) };
    const { turns } = await historyPage([redactTurn({ id: "u", items: [item] })]);
    expect(JSON.parse(turns[0]!.items[0]!)).toMatchObject({ id: "c", command: "login [redacted:key]" });
    expect(turns[0]!.items[0]).not.toContain(KEY);
  });

  it("has none where an item is nested deeper than the core reads, whose texts are one to it", () => {
    const deep = within(130, KEY);
    const [whole, cut] = redactTurn({ id: "u", items: [{ id: "a", deep }, { id: "b", deep, cutOff: "-----BEGIN PRIVATE KEY-----\nMIIE", note: KEY }] }).items;
    expect(whole).toEqual({ id: "a", deep: within(130, "[redacted:key]") });
    expect(cut).toEqual({ id: "b", deep: [[[]]], cutOff: "[redacted:pem]", note: "[redacted:key]" });
  });
});
