/** `./protocol`: what it says of every recorded line, and of lines that are none; held to the core where the core says the same. */
import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, test } from "vitest";
import { classifyLine } from "../../js-wrapper/core/bridge.js";
import * as protocol from "../../js-wrapper/protocol/index.js";
import { ITEM_TYPES } from "../../js-wrapper/protocol/item.js";
import type { CodexWireMessage, ServerNotification, ServerRequest } from "../../js-wrapper/protocol/index.js";
import { RECORDED } from "./recorded.js";

const inbound = RECORDED.filter(({ dir }) => dir === "in").map(({ msg }) => msg as CodexWireMessage);
const outbound = RECORDED.filter(({ dir }) => dir === "out").map(({ msg }) => msg);

/** What the core says, without what the bridge alone needs. */
function byTheCore(line: string): unknown {
  const found = classifyLine(line);
  if (found.type !== "event") return found.type === "error" ? found.code : found;
  const { type, kind, threadId, turnId, request } = found;
  return { type, kind, threadId, ...(turnId === undefined ? {} : { turnId }), request };
}

function byTheParser(line: string): unknown {
  try {
    return protocol.classifyMessage(protocol.parseWireMessage(line));
  } catch (error) {
    return (error as protocol.CodexProtocolParseError).code;
  }
}

const LINES = [
  ...['{"id":1,"result":{"method":"x","threadId":"t"}}', '{"error":{"code":-32600,"message":"no"},"id":7}', ' { "id" : null , "error" : {} } '],
  ...['{"method":"initialized"}', '{"method":"x","params":null}', '{"method":"x","params":["threadId","t"]}', '{"method":"x","params":{"threadId":""}}'],
  ...['{"method":"x","params":{"threadId":null,"turnId":5}}', '{"method":"x","params":{"a":{"threadId":"t"}}}', '{"method":"x","id":0,"params":{}}'],
  ...['{"method":"x\\ud83d","params":{}}', '{"method":"x","params":{"threadId":"t\\udc00","turnId":"\\ud800"}}', '{"method":"x","params":{"threadId":"t"}}'],
  ...['{"method":"thread/started","params":{"thread":{"turns":[{"id":"u"}],"id":"t"}}}', '{"method":"x","params":{"thread":[{"id":"t"}]}}'],
  ...['{"method":"turn/completed","params":{"turn":{"id":"u"},"threadId":"t"}}', '{"method":"turn/completed","params":{"threadId":"t","turn":null}}'],
  ...['{"method":"x","params":{"threadId":"t","turnId":"","turn":{"id":"u"}}}', '{"method":"x","params":{"threadId":"","thread":{"id":"t"}}}'],
  ...['{"method":"x","params":{"threadId":"t","threadId":"s"}}', '{"m\\u0065thod":"x","params":{"thread\\u0049d":"\\u0074\\"é"}}'],
  ...['{"method":"applyPatchApproval","id":3,"params":{"conversationId":"t","callId":"c"}}', '{"method":"x","params":{"threadId":"t","conversationId":"c"}}'],
  ...['{"method":"item/tool/call","params":{"threadId":"t","turnId":"u"},"id":"0"}', '{"params":{"turnId":"u","threadId":"t"},"method":"item/x"}'],
  ...["", "not json", "{", "{}x", "[", '"', "\u{feff}{}", '{"method":"x",}', '{"method":"x"}{"method":"y"}', '{"id":1,"result":{"a":'],
  ...["{}", "[]", "1", "null", '"x"', '{"method":5}', '{"method":null,"id":1}', '{"params":{}}', '[{"method":"x"}]', '{"METHOD":"x"}'],
];

describe("a line", () => {
  test.each(LINES)("%s is what the core says it is", (line) => expect(byTheParser(line)).toEqual(byTheCore(line)));

  test("as it was recorded, is what the core says it is", () => {
    const kinds = { response: 0, global: 0, event: 0 };
    for (const message of inbound) {
      const line = JSON.stringify(message);
      const said = byTheParser(line) as protocol.ClassifiedMessage;
      expect(said).toEqual(byTheCore(line));
      kinds[said.type] += 1;
    }
    expect(kinds).toEqual({ response: 192, global: 143, event: 4_169 });
  });

  test("that is no message is thrown with a code, and cut to 2,048 characters", () => {
    const long = `{"a":"${"x".repeat(5_000)}"}`;
    expect(() => protocol.parseWireMessage(long)).toThrow(protocol.CodexProtocolParseError);
    expect(() => protocol.parseWireMessage(long)).toThrow(expect.objectContaining({ code: "E_BRIDGE_LINE_NOT_A_MESSAGE", rawLine: long.slice(0, 2_048) }));
    expect(() => protocol.parseWireMessage(long.slice(0, 4_000))).toThrow(expect.objectContaining({ code: "E_BRIDGE_LINE_NOT_JSON", rawLine: long.slice(0, 2_048) }));
    const parted = `"${"\u{1f600}".repeat(2_048)}"`;
    expect(() => protocol.parseWireMessage(parted)).toThrow(expect.objectContaining({ rawLine: `${parted.slice(0, 2_047)}\ufffd` }));
  });
});

const checked = (message: unknown) => () => {
  protocol.assertValidClientMessage(message);
};

describe("a message of the client", () => {
  test("as it was recorded, can be sent", () => {
    expect(outbound.length).toBeGreaterThan(200);
    for (const message of outbound) expect(checked(message)).not.toThrow();
  });

  test.each<[unknown]>([
    [{ method: "x" }],
    [{ method: "x", id: 0, params: undefined }],
    [{ method: "x", id: "" }],
    [{ id: 0, result: null }],
    [{ id: 0, result: {}, error: undefined }],
    [{ id: "a", error: { code: -32_601, message: "" } }],
  ])("%j can be sent", (message) => {
    expect(checked(message)).not.toThrow();
  });

  test.each<[unknown]>([
    ...[[undefined], [null], ["x"], [[]], [{}], [{ id: 1 }], [{ params: {} }], [{ method: "" }], [{ method: 1 }], [{ method: null, id: 1, result: 1 }]],
    ...[[{ method: "x", id: null }], [{ method: "x", id: 1.5 }], [{ method: "x", id: 2 ** 53 }], [{ id: null, result: {} }], [{ id: {}, result: {} }]],
    ...[[{ id: 1, result: 1, error: { code: 1, message: "" } }], [{ id: 1, error: null }], [{ id: 1, error: { code: "1", message: "" } }]],
    ...[[{ id: 1, error: { code: 1 } }], [{ id: 1, error: { code: 0.5, message: "" } }]],
  ] as [unknown][])("%j is refused", (message) => {
    expect(checked(message)).toThrow(protocol.CodexProtocolSendError);
    expect(checked(message)).toThrow(expect.objectContaining({ code: "E_BRIDGE_MESSAGE_INVALID" }));
  });
});

describe("small things", () => {
  const message: CodexWireMessage = { method: "turn/started", params: { threadId: "t", turn: { id: "u" } } };

  test("a message's thread, turn and stream", () => {
    expect([protocol.extractThreadId(message), protocol.extractTurnId(message), protocol.extractStreamId(message)]).toEqual(["t", "u", undefined]);
    expect([protocol.extractThreadId({ id: 1, result: {} }), protocol.extractTurnId({ method: "x" })]).toEqual([undefined, undefined]);
    expect(protocol.normalizeEventKind("item/new")).toBe("item/new");
    expect(protocol.turnIdForPayload("turn/started", JSON.stringify(message))).toBe("u");
    expect(protocol.turnIdForPayload("thread/started", JSON.stringify(message))).toBeNull();
    expect(protocol.turnIdForPayload("x", '{"method":"x"}')).toBeNull();
  });

  test("a method is asked for by name", () => {
    const asked: CodexWireMessage = { method: "item/tool/call", id: 0, params: {} };
    expect([protocol.isServerRequest(asked, "item/tool/call"), protocol.isServerRequest(asked, "currentTime/read")]).toEqual([true, false]);
    expect(protocol.isServerRequest({ method: "item/tool/call" }, "item/tool/call")).toBe(false);
    expect([protocol.isServerNotification(message, "turn/started"), protocol.isServerNotification(message, "turn/completed")]).toEqual([true, false]);
    expect(protocol.isServerNotification({ method: "turn/started", id: 1 }, "turn/started")).toBe(false);
    expect(protocol.isServerNotification({ id: 1, result: {} }, "turn/started")).toBe(false);
    if (protocol.isServerNotification(message, "turn/started")) expectTypeOf(message).toExtend<ServerNotification<"turn/started">>();
    if (protocol.isServerRequest(asked, "item/tool/call")) expectTypeOf(asked).toExtend<ServerRequest<"item/tool/call">>();
  });
});

const turn = { threadId: "t", turnId: "u" };
const notification = (method: string, params: object): CodexWireMessage => ({ method, params });
const completed = (item: object) => notification("item/completed", { ...turn, item });

type Ask = (message: CodexWireMessage) => unknown;
const both =
  (ofMessage: Ask, ofPayload: (kind: string, payloadJson: string) => unknown): Ask =>
  (message) => {
    const answer = ofMessage(message);
    const kind = (message as { method: string }).method;
    expect(ofPayload(kind, JSON.stringify(message))).toEqual(answer);
    expect(ofPayload(`${kind}x`, JSON.stringify(message))).toBeNull();
    expect(ofPayload(kind, JSON.stringify(message).slice(1))).toBeNull();
    expect(ofPayload(kind, JSON.stringify([message]))).toBeNull();
    return answer;
  };
const terminal = both(protocol.terminalStatusForMessage, protocol.terminalStatusForPayload);
const approval = both(protocol.approvalRequestForMessage, protocol.approvalRequestForPayload);
const resolution = both(protocol.approvalResolutionForMessage, protocol.approvalResolutionForPayload);
const snapshot = both(
  (message) => protocol.itemSnapshotForMessage(message, 9),
  (kind, payloadJson) => protocol.itemSnapshotForPayload(kind, payloadJson, 9),
);
const durable = both(protocol.durableMessageForMessage, protocol.durableMessageForPayload);
const textDelta = both(protocol.durableMessageDeltaForMessage, protocol.durableMessageDeltaForPayload);
const thought = both(protocol.reasoningDeltaForMessage, protocol.reasoningDeltaForPayload);

describe("how a turn ends", () => {
  const ends = (turn: unknown, more: object = {}) => terminal(notification("turn/completed", { threadId: "t", turn, ...more }));

  test.each<[unknown, unknown]>([
    [ends({ id: "u", status: "completed", error: null }), { status: "completed" }],
    [ends({ id: "u", status: "interrupted" }), { status: "interrupted" }],
    [ends({ id: "u", status: "failed", error: { message: "quota" } }), { status: "failed", error: "quota" }],
    [ends({ id: "u", status: "of another version" }), { status: "completed" }],
    [ends({ status: "completed" }, { turnId: "u" }), { status: "completed" }],
    [ends({ status: "completed" }), null],
    [ends({ id: "u" }), null],
    [ends(null), null],
    [terminal(notification("error", { ...turn, error: { message: "cut" }, willRetry: false })), { status: "failed", error: "cut" }],
    [terminal(notification("error", { ...turn, error: { message: "cut" } })), { status: "failed", error: "cut" }],
    [terminal(notification("error", { ...turn, error: { message: "cut" }, willRetry: true })), null],
    [terminal(notification("error", { ...turn })), null],
    [terminal(notification("warning", { ...turn, error: { message: "cut" } })), null],
  ])("%j is %j", (said, expected) => expect(said).toEqual(expected));

  test("as it was recorded", () => {
    const said = inbound.flatMap((message) => protocol.terminalStatusForMessage(message) ?? []);
    const count = (status: string) => said.filter((end) => end.status === status).length;
    expect([count("completed"), count("interrupted"), count("failed")]).toEqual([51, 3, 8]);
  });
});

describe("approvals", () => {
  const asked = (method: string, params: object, id: unknown = 0) => approval({ method, id, params } as CodexWireMessage);
  const item = { ...turn, itemId: "i" };

  test.each<[unknown, unknown]>([
    [asked("item/commandExecution/requestApproval", { ...item, reason: "why" }), { requestId: 0, kind: "commandExecution", ...item, reason: "why" }],
    [asked("item/fileChange/requestApproval", { ...item, reason: null }, "a"), { requestId: "a", kind: "fileChange", ...item }],
    [asked("item/permissions/requestApproval", item), { requestId: 0, kind: "permissions", ...item }],
    [asked("execCommandApproval", { conversationId: "t", callId: "c" }), { requestId: 0, kind: "commandExecution", threadId: "t", itemId: "c" }],
    [asked("applyPatchApproval", { conversationId: "t", callId: "c" }), { requestId: 0, kind: "fileChange", threadId: "t", itemId: "c" }],
    [asked("item/tool/requestUserInput", item), null],
    [asked("constructor", item), null],
    [asked("item/fileChange/requestApproval", turn), null],
    [asked("item/fileChange/requestApproval", { itemId: "i" }), null],
    [asked("item/fileChange/requestApproval", item, null), null],
    [asked("item/fileChange/requestApproval", item, 0.5), null],
    [approval(notification("item/fileChange/requestApproval", item)), null],
    [resolution(notification("serverRequest/resolved", { threadId: "t", requestId: 0 })), { by: "request", threadId: "t", requestId: 0 }],
    [resolution(notification("serverRequest/resolved", { threadId: "t" })), null],
    [resolution(notification("serverRequest/resolved", { requestId: 0 })), null],
    [resolution(completed({ type: "fileChange", id: "i", status: "declined" })), { by: "item", ...turn, itemId: "i", decision: "declined" }],
    [resolution(completed({ type: "fileChange", id: "i", status: "completed" })), null],
    [resolution(completed({ type: "fileChange", status: "declined" })), null],
    [resolution(notification("item/started", { ...turn, item: { id: "i", status: "declined" } })), null],
  ])("%j is %j", (said, expected) => expect(said).toEqual(expected));

  test("as they were recorded, are asked and resolved", () => {
    const requests = inbound.flatMap((message) => protocol.approvalRequestForMessage(message) ?? []);
    const resolutions = inbound.flatMap((message) => protocol.approvalResolutionForMessage(message) ?? []);
    const declined = resolutions.filter(({ by }) => by === "item");
    expect([requests.length, resolutions.length - declined.length, declined.length]).toEqual([11, 14, 3]);
  });
});

describe("an item", () => {
  test("is a snapshot where it begins and where it ends", () => {
    const item = { type: "commandExecution", id: "c", command: "ls", status: "inProgress" };
    const same = { itemId: "c", itemType: "commandExecution", turnId: "u", payloadJson: JSON.stringify(item), cursorEnd: 9 };
    expect(snapshot(notification("item/started", { ...turn, item }))).toEqual({ ...same, status: "inProgress" });
    const failed = { ...item, status: "failed" };
    expect(snapshot(completed(failed))).toEqual({ ...same, status: "failed", payloadJson: JSON.stringify(failed) });
    expect(snapshot(notification("item/updated", { ...turn, item }))).toBeNull();
    expect(snapshot(completed({ id: "c" }))).toBeNull();
    expect(snapshot(completed([]))).toBeNull();
  });

  test.each<[item: object, role: string, status: string, text: string]>([
    [{ type: "userMessage", content: [{ type: "text", text: "a" }, { type: "image", text: "no" }, 7, { type: "text", text: "b" }] }, "user", "completed", "a\nb"],
    [{ type: "agentMessage", text: "Hi 😀" }, "assistant", "completed", "Hi 😀"],
    [{ type: "agentMessage", text: 7 }, "assistant", "completed", ""],
    [{ type: "plan", text: "1." }, "assistant", "completed", "1."],
    [{ type: "reasoning", summary: ["a", 7, "b"], content: ["raw"] }, "assistant", "completed", "a\n\nb"],
    [{ type: "reasoning", summary: null }, "assistant", "completed", ""],
    [{ type: "commandExecution", command: "ls", status: "failed" }, "tool", "failed", "ls"],
    [{ type: "commandExecution", command: "ls", status: "declined" }, "tool", "interrupted", "ls"],
    [{ type: "commandExecution", command: "ls", status: "cancelled" }, "tool", "interrupted", "ls"],
    [{ type: "subAgentActivity", agentPath: "/a", status: "interrupted" }, "tool", "interrupted", "/a"],
    [{ type: "fileChange", changes: [{ path: "/a" }, { path: "/b" }] }, "tool", "completed", "2 files: /a, /b"],
    [{ type: "fileChange", changes: [{ path: "/a" }] }, "tool", "completed", "1 file: /a"],
    [{ type: "fileChange", changes: [{}] }, "tool", "completed", "1 file: "],
    [{ type: "fileChange", changes: [] }, "tool", "completed", "0 files"],
    [{ type: "mcpToolCall", tool: "echo", error: { message: "no" } }, "tool", "failed", "echo"],
    [{ type: "mcpToolCall", tool: "echo", error: null }, "tool", "completed", "echo"],
    [{ type: "mcpToolCall", tool: "echo", error: [] }, "tool", "completed", "echo"],
    [{ type: "dynamicToolCall", tool: "t", success: false }, "tool", "failed", "t"],
    [{ type: "dynamicToolCall", tool: "t", success: null }, "tool", "completed", "t"],
    [{ type: "imageGeneration", revisedPrompt: "cat", failure: {} }, "tool", "failed", "cat"],
    [{ type: "hookPrompt", fragments: [{ text: "a" }, {}, { text: "b" }] }, "system", "completed", "a\nb"],
    [{ type: "sleep", durationMs: 50 }, "tool", "completed", "50 ms"],
    [{ type: "sleep", durationMs: -1 }, "tool", "completed", "0 ms"],
    [{ type: "contextCompaction", text: "no" }, "system", "completed", ""],
    [{ type: "enteredReviewMode", review: "r" }, "system", "completed", "r"],
    [{ type: "exitedReviewMode", review: "r" }, "assistant", "completed", "r"],
    [{ type: "of another version", text: "no" }, "tool", "completed", ""],
    [{ type: "constructor", text: "no" }, "tool", "completed", ""],
  ])("%j is a message of %s, %s", (item, role, status, text) => {
    const given = { id: "i", ...item };
    const { type: sourceItemType } = given as { type?: string };
    expect(durable(completed(given))).toEqual({ messageId: "i", turnId: "u", role, status, sourceItemType, text, payloadJson: JSON.stringify(given) });
  });

  test("that has not ended, or is none, is no message yet", () => {
    expect(durable(notification("item/started", { ...turn, item: { type: "plan", id: "p", text: "" } }))).toBeNull();
    expect(durable(completed({ type: "plan" }))).toBeNull();
    expect(durable(notification("item/completed", turn))).toBeNull();
  });

  test("is of a type that the core knows, with the core's role and words", () => {
    const source = readFileSync(new URL("../../src/event/item.rs", import.meta.url), "utf8");
    const [, list = ""] = /pub const ITEM_TYPES[\s\S]*?\n {4}\[\n([\s\S]*?)\n {4}\]/.exec(source) ?? [];
    const rows = Array.from(list.matchAll(/\((?:"(\w+)"|REASONING), Role::(\w+), (\w+)(?:\("(\w+)"\))?\)/g), ([, type = "reasoning", role = "", words = "", key]) => ({ type, role: role.toLowerCase(), words, key }));
    expect(rows.map(({ type, role }) => [type, role])).toEqual(Object.entries(ITEM_TYPES).map(([type, [role]]) => [type, role]));
    expect(rows).toHaveLength(19);
    const named = rows.filter(({ key }) => key !== undefined);
    expect(named).toHaveLength(13);
    for (const { type, key } of named) expect(ITEM_TYPES[type as "plan"][1]({ [key!]: "said" }), type).toBe("said");
  });
});

describe("a piece", () => {
  const delta = (method: string, more: object = {}) => notification(method, { ...turn, itemId: "i", delta: "d", ...more });

  test.each<[unknown, unknown]>([
    [textDelta(delta("item/agentMessage/delta")), { messageId: "i", turnId: "u", role: "assistant", sourceItemType: "agentMessage", delta: "d" }],
    [textDelta(delta("item/plan/delta", { delta: "" })), { messageId: "i", turnId: "u", role: "assistant", sourceItemType: "plan", delta: "" }],
    [textDelta(delta("item/commandExecution/outputDelta")), null],
    [textDelta(delta("toString")), null],
    [textDelta(delta("item/plan/delta", { delta: 7 })), null],
    [textDelta(delta("item/plan/delta", { itemId: null })), null],
    [
      thought(delta("item/reasoning/summaryTextDelta", { summaryIndex: 0 })),
      { itemId: "i", turnId: "u", channel: "summary", segmentType: "textDelta", delta: "d", summaryIndex: 0 },
    ],
    [
      thought(delta("item/reasoning/summaryPartAdded", { summaryIndex: 1 })),
      { itemId: "i", turnId: "u", channel: "summary", segmentType: "sectionBreak", delta: "", summaryIndex: 1 },
    ],
    [
      thought(delta("item/reasoning/textDelta", { contentIndex: 2 })),
      { itemId: "i", turnId: "u", channel: "raw", segmentType: "textDelta", delta: "d", contentIndex: 2 },
    ],
    [thought(delta("item/reasoning/textDelta", { contentIndex: "2" })), { itemId: "i", turnId: "u", channel: "raw", segmentType: "textDelta", delta: "d" }],
    [thought(delta("item/reasoning/textDelta", { delta: null })), null],
    [thought(delta("item/reasoning/summaryPartAdded", { itemId: 7 })), null],
    [thought(delta("item/agentMessage/delta")), null],
    [thought(delta("valueOf")), null],
  ])("%j is %j", (said, expected) => expect(said).toEqual(expected));

  test("by piece, as they were recorded, makes the text of its item", () => {
    const texts = new Map<string, string>();
    let checked = 0;
    for (const { recording, dir, msg } of RECORDED) {
      if (dir !== "in") continue;
      const message = msg as CodexWireMessage;
      const key = (id: string) => JSON.stringify([recording, protocol.extractThreadId(message), protocol.extractTurnId(message), id]);
      const piece = protocol.durableMessageDeltaForMessage(message);
      if (piece !== null) texts.set(key(piece.messageId), (texts.get(key(piece.messageId)) ?? "") + piece.delta);
      const whole = protocol.durableMessageForMessage(message);
      const pieces = whole === null ? undefined : texts.get(key(whole.messageId));
      if (whole === null || pieces === undefined) continue;
      expect(whole.text).toBe(pieces);
      texts.delete(key(whole.messageId));
      checked += 1;
    }
    expect(checked).toBe(59);
  });
});
