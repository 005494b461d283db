import { describe, expect, it } from "vitest";
import { codexQueueItemStatus, convertCodexQueue, NO_QUEUE_ITEMS, type CodexQueueSource } from "../../js-wrapper/assistant-ui/index.js";
import { convertQueue, isUnsent, promotionsFor, type UnsentMessage } from "../../js-wrapper/assistant-ui/queue.js";

type Command = NonNullable<CodexQueueSource["commands"]>[number];

const command = (commandId: string, order: number, given: Partial<Command> = {}): Command => {
  const payloadJson = JSON.stringify({ input: [{ type: "text", text: commandId }] });
  return { commandId, kind: "turn", state: "queued", isQueued: true, isOpen: true, isFailed: false, text: commandId, payloadJson, createdAt: 1, order, rank: 0, ...given };
};
const leased = { state: "leased", isQueued: false } as const;
const ids = ({ items, steerItems }: ReturnType<typeof convertCodexQueue>) => [items.map(({ id }) => id), steerItems.map(({ id }) => id)];
const [a, b, c] = [command("a", 0), command("b", 1), command("c", 2)];
const steer = command("s", 3, { kind: "steer" });

describe("the queue", () => {
  it.each([
    ["what waits behind the turn that runs, the oldest first", [c, b, a], "t", [["a", "b", "c"], []]],
    ["not the turn that begins next", [c, b, a], undefined, [["b", "c"], []]],
    ["what waits behind a turn that the machine has", [c, b, { ...a, ...leased }], undefined, [["b", "c"], []]],
    ["the promoted first, the last of them before the others", [{ ...c, rank: 1 }, { ...b, rank: 2 }, a], "t", [["b", "c", "a"], []]],
    ["steers in their own lane", [steer, a], "t", [["a"], ["s"]]],
    ["no steer that the machine has", [{ ...steer, ...leased }, a], "t", [["a"], []]],
    ["messages alone", [command("i", 4, { kind: "interrupt" }), command("x", 5, { state: "cancelled", isQueued: false, isOpen: false }), a], "t", [["a"], []]],
    ["nothing of nothing", undefined, "t", [[], []]],
  ] as const)("has %s", (_, commands, runningTurnId, expected) => {
    expect(ids(convertCodexQueue({ commands, runningTurnId }))).toEqual(expected);
  });

  it("says what was sent, with the images that it holds", () => {
    const input = [{ type: "text", text: "look" }, { type: "image", url: "data:image/png;base64,AAAA" }, { type: "image", url: "https://x.test/a.png" }, { type: "skill", name: "s" }];
    const { items } = convertCodexQueue({ commands: [{ ...a, text: "look", payloadJson: JSON.stringify({ input }) }], runningTurnId: "t" });
    expect(items).toEqual([{ id: "a", prompt: "look", parts: [{ type: "text", text: "look" }, { type: "file", mimeType: "image/png", data: "AAAA" }], status: "waiting" }]);
  });

  it.each(["", "{", "null", '{"input":5}', '{"input":[null]}'])("has what cannot be read all the same: %s", (payloadJson) => {
    expect(convertCodexQueue({ commands: [{ ...a, text: "", payloadJson }], runningTurnId: "t" }).items).toEqual([{ id: "a", prompt: "", parts: [], status: "waiting" }]);
  });

  it("says of what is neither text nor image by what name it goes", () => {
    const input = [{ type: "skill", name: "s" }, { type: "image", url: "https://x.test/a.png" }];
    const { items } = convertCodexQueue({ commands: [{ ...a, text: "", payloadJson: JSON.stringify({ input }) }], runningTurnId: "t" });
    expect(items[0]?.parts).toEqual([{ type: "text", text: "skill" }, { type: "text", text: "image" }]);
  });

  it("keeps what did not change", () => {
    const first = convertCodexQueue({ commands: [steer, b, a], runningTurnId: "t" });
    const again = convertCodexQueue({ commands: [steer, b, a], runningTurnId: "t" }, first);
    expect([again.items, again.steerItems]).toEqual([first.items, first.steerItems]);
    expect([again.items === first.items, again.steerItems === first.steerItems]).toEqual([true, true]);
    const edited = convertCodexQueue({ commands: [steer, { ...b, text: "other" }, a], runningTurnId: "t" }, first);
    expect([edited.items[0] === first.items[0], edited.items[1] === first.items[1], edited.steerItems === first.steerItems]).toEqual([true, false, true]);
  });
});

describe("a message of the page's", () => {
  const unsent = (state: UnsentMessage["state"], lane: UnsentMessage["lane"] = "queue"): UnsentMessage => ({ commandId: "m", threadId: "th", input: [{ type: "text", text: "typed", text_elements: [] }], lane, state });
  const shown = (message: UnsentMessage, commands: Command[] = []) => ids(convertQueue({ commands, runningTurnId: "t" }, [message], NO_QUEUE_ITEMS));
  const own = (given: Partial<Command>) => command("m", 9, { isQueued: false, isOpen: false, ...given });

  it.each([
    ["sending", "queue", [["m"], []]],
    ["sending", "steer", [[], ["m"]]],
    ["stopping", "queue", [["m"], []]],
    ["stopping", "steer", [[], ["m"]]],
    ["refused", "steer", [["m"], []]],
    ["sent", "queue", [[], []]],
    ["held", "queue", [[], []]],
  ] as const)("that is %s, for the lane %s, is shown while no command is there", (state, lane, expected) => {
    expect(shown(unsent(state, lane))).toEqual(expected);
  });

  it("is shown once: as its command while that is there, and again when it came to nothing", () => {
    expect(shown(unsent("sending"), [command("m", 9)])).toEqual([["m"], []]);
    expect(shown(unsent("sent"), [own({ ...leased, isOpen: true })])).toEqual([[], []]);
    expect(shown(unsent("sent"), [own({ state: "accepted" })])).toEqual([[], []]);
    expect(shown(unsent("sent"), [own({ state: "expired", isFailed: true })])).toEqual([["m"], []]);
    expect(convertQueue({ commands: [], runningTurnId: "t" }, [unsent("sending")], NO_QUEUE_ITEMS).items).toEqual([{ id: "m", prompt: "typed", parts: [{ type: "text", text: "typed" }], status: "sending" }]);
  });

  it.each([
    ["sending", undefined, "sending"],
    ["stopping", undefined, "sending"],
    ["refused", undefined, "refused"],
    ["stopping", { state: "cancelled" }, "held"],
    ["held", { state: "cancelled" }, "held"],
    ["held", { state: "expired", isFailed: true }, "expired"],
    ["sent", { state: "refused", isFailed: true }, "refused"],
    ["sent", { state: "unknown", isFailed: true }, "unknown"],
  ] as const)("that is %s, with the command %j, says so: %s", (state, command, expected) => {
    const { items } = convertQueue({ commands: command === undefined ? [] : [own(command)], runningTurnId: "t" }, [unsent(state)], NO_QUEUE_ITEMS);
    expect(items.map(codexQueueItemStatus)).toEqual([expected]);
  });

  it("says where it stands also when that alone changed", () => {
    const message = unsent("sent");
    const first = convertQueue({ commands: [own({ state: "unknown", isFailed: true })] }, [message], NO_QUEUE_ITEMS);
    const then = convertQueue({ commands: [own({ state: "expired", isFailed: true })] }, [message], first);
    expect([...first.items, ...then.items].map(({ status }) => status)).toEqual(["unknown", "expired"]);
    expect(codexQueueItemStatus({ id: "other", parts: [] } as unknown as Parameters<typeof codexQueueItemStatus>[0])).toBe("waiting");
  });

  it("of which nobody knows what became is not shown beside its own echo", () => {
    const unknown = own({ state: "unknown", isFailed: true });
    const shownBeside = (echoed: string, command: Command) =>
      ids(convertQueue({ commands: [command], runningTurnId: "t" }, [unsent("sent")], NO_QUEUE_ITEMS, ({ commandId }) => commandId === echoed));
    expect([shownBeside("other", unknown), shownBeside("m", unknown), shownBeside("m", { ...unknown, state: "expired" })]).toEqual([[["m"], []], [[], []], [["m"], []]]);
  });

  it("that was cancelled comes back where that was the end of what it waited behind", () => {
    const cancelled = own({ state: "cancelled" });
    expect((["sent", "held", "stopping"] as const).map((state) => isUnsent(unsent(state), cancelled))).toEqual([false, true, true]);
  });
});

describe("a place in a lane", () => {
  const lane = ["a", "b", "c", "d"];
  it.each([
    ["c", { insertAfter: null }, ["c", "a", "b", "d"]],
    ["c", { insertBefore: "b" }, ["a", "c", "b", "d"]],
    ["a", { insertAfter: "c" }, ["b", "c", "a", "d"]],
    ["b", { insertBefore: null }, ["a", "c", "d", "b"]],
    ["b", {}, ["a", "b", "c", "d"]],
    ["b", { insertAfter: "a" }, ["a", "b", "c", "d"]],
    ["d", { insertAfter: "a", insertBefore: "b" }, ["a", "d", "b", "c"]],
    ["b", { insertAfter: "d", insertBefore: null }, ["a", "c", "d", "b"]],
  ])("of %s, %j, is reached by promotions", (id, placement, expected) => {
    const promoted = promotionsFor(lane, id, placement);
    const order = [...promoted].reverse().reduce((now, one) => [one, ...now.filter((other) => other !== one)], lane);
    expect(order).toEqual(expected);
  });

  it("costs no more of them than it needs", () => {
    expect(promotionsFor(lane, "d", { insertAfter: null })).toEqual(["d"]);
    expect(promotionsFor(lane, "b", { insertAfter: "a" })).toEqual([]);
    expect(promotionsFor(lane, "a", { insertAfter: "b" })).toEqual(["b"]);
  });

  it("is beside one that waits", () => {
    expect(() => promotionsFor(lane, "a", { insertAfter: "gone" })).toThrow("`gone` does not wait there");
    expect(() => promotionsFor(lane, "a", { insertBefore: "a" })).toThrow("`a` does not wait there");
    expect(() => promotionsFor(lane, "d", { insertAfter: "a", insertBefore: "gone" })).toThrow("`gone` does not wait there");
  });

  it.each([
    { insertAfter: "c", insertBefore: "a" },
    { insertAfter: "a", insertBefore: "c" },
    { insertAfter: null, insertBefore: null },
  ])("is not between two that are not beside each other: %j", (placement) => {
    expect(() => promotionsFor(lane, "d", placement)).toThrow("no place");
  });
});
