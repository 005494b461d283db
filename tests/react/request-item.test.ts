import { describe, expect, it } from "vitest";
import { codexRequestItem, codexRequestKey } from "../../js-wrapper/react/index.js";

const message = (messageId: string, status: "streaming" | "completed" = "streaming", turnId = "t") => ({ turnId, messageId, status });
const ASKED = { threadId: "th", turnId: "t", itemId: "c", requestId: 0, createdAt: 1 };

describe("the item that a request is about", () => {
  it.each([
    ["waits", [message("c")], "c"],
    ["is not there", [message("d")], undefined],
    ["has ended", [message("c", "completed")], undefined],
    ["is of this turn, whatever an earlier one had", [message("c", "streaming", "before"), message("c")], "c"],
    ["is the newest use of its id", [message("c", "completed"), message("c#2")], "c#2"],
    ["is not a use before the newest one, which has ended", [message("c"), message("c#2", "completed")], undefined],
    ["is no other whose id begins so", [message("c"), message("c#x"), message("c2"), message("c#2#1")], "c"],
  ])("%s", (_, messages, found) => {
    expect(codexRequestItem(ASKED, messages)?.messageId).toBe(found);
  });
});

it("a request's name is its own, whatever else has its id", () => {
  const others = [{ threadId: "o" }, { turnId: "o" }, { itemId: "o" }, { requestId: 1 }, { requestId: "0" }, { createdAt: 2 }];
  expect(new Set([ASKED, ...others.map((other) => ({ ...ASKED, ...other }))].map(codexRequestKey)).size).toBe(others.length + 1);
  expect(codexRequestKey({ ...ASKED })).toBe(codexRequestKey(ASKED));
});
