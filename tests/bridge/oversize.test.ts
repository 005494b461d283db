import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { oversizeStub } from "../../js-wrapper/bridge/oversize.js";

const MIB = 1024 * 1024;
const LARGE = "é".repeat(2 * MIB);
const AT = { threadId: "t", turnId: "u" };

/** What stands for a message, and the measure that it says. */
function stubOf(message: object) {
  const json = JSON.stringify(message);
  const oversize = { bytes: Buffer.byteLength(json), sha256: createHash("sha256").update(json).digest("hex") };
  return { stub: JSON.parse(oversizeStub(json)!) as unknown, oversize };
}

describe("what stands for a message of over 3 MiB", () => {
  it("is none where it is as large as that, by a byte", () => {
    const sized = (bytes: number) => {
      const message = { method: "x", params: { ...AT, text: "" } };
      message.params.text = "a".repeat(bytes - JSON.stringify(message).length);
      return JSON.stringify(message);
    };
    expect(oversizeStub(sized(3 * MIB))).toBeUndefined();
    expect(JSON.parse(oversizeStub(sized(3 * MIB + 1))!)).toMatchObject({ method: "x", params: AT, oversize: { bytes: 3 * MIB + 1 } });
    expect(oversizeStub(JSON.stringify({ method: "x", params: { text: "é".repeat(MIB) } }))).toBeUndefined();
  });

  it("keeps of an item what is small, where its reader looks", () => {
    const item = { type: "commandExecution", id: "c", status: "failed", command: "make", aggregatedOutput: LARGE, exitCode: 2, parts: [{ name: "a", text: LARGE }, "b", LARGE] };
    const { stub, oversize } = stubOf({ method: "item/completed", params: { ...AT, item } });
    const small = { type: "commandExecution", id: "c", status: "failed", command: "make", exitCode: 2, parts: [{ name: "a" }, "b"] };
    expect(stub).toEqual({ method: "item/completed", params: { ...AT, item: { ...small, oversize } } });
  });

  it("keeps what somebody wrote beside a picture", () => {
    const item = { type: "userMessage", id: "m", content: [{ type: "text", text: "Look." }, { type: "image", url: `data:image/png;base64,${LARGE}` }] };
    const { stub, oversize } = stubOf({ method: "item/completed", params: { ...AT, item } });
    expect(stub).toMatchObject({ params: { item: { ...item, content: [{ type: "text", text: "Look." }, { type: "image" }], oversize } } });
  });

  it.each(["agentMessage", "plan", "reasoning"])("does not end an item of type %s, whose text came in deltas", (type) => {
    const { stub, oversize } = stubOf({ method: "item/completed", params: { ...AT, item: { type, id: "m", text: LARGE } } });
    expect(stub).toEqual({ method: "item/completed", params: { ...AT, itemId: "m" }, oversize });
  });

  it("says how a turn ended, and which item a delta is of", () => {
    const turn = { id: "u", status: "failed", error: { message: "no" }, items: [{ text: LARGE }] };
    const ended = stubOf({ method: "turn/completed", params: { threadId: "t", turn } });
    expect(ended.stub).toEqual({ method: "turn/completed", params: { threadId: "t", turn: { ...turn, items: [{}] } }, oversize: ended.oversize });
    const grown = stubOf({ method: "item/agentMessage/delta", params: { ...AT, itemId: "m", delta: LARGE } });
    expect(grown.stub).toEqual({ method: "item/agentMessage/delta", params: { ...AT, itemId: "m" }, oversize: grown.oversize });
  });

  it("asks as it asked", () => {
    const asked = stubOf({ method: "item/commandExecution/requestApproval", id: 0, params: { ...AT, itemId: "c", command: LARGE } });
    expect(asked.stub).toEqual({ method: "item/commandExecution/requestApproval", id: 0, params: { ...AT, itemId: "c" }, oversize: asked.oversize });
  });

  it("is small, whatever the item is made of", () => {
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`k${String(at)}`, Array.from({ length: 500 }, () => "word")]));
    const deep = JSON.parse(`${"[".repeat(500)}"${"a".repeat(100)}"${"]".repeat(500)}`) as unknown;
    const item = { type: "mcpToolCall", id: "c", many, deep, large: LARGE, wide: Array.from({ length: 64 }, () => Array.from({ length: 64 }, () => "a".repeat(4_000))) };
    const json = oversizeStub(JSON.stringify({ method: "item/completed", params: { ...AT, item } }))!;
    expect(json.length).toBeLessThan(300 * 1024);
    expect(JSON.parse(json)).toMatchObject({ params: { item: { type: "mcpToolCall", id: "c" } } });
  });
});
