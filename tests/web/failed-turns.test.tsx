// A turn that failed is told where it did, also when others came after it.
import { screen, waitFor } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { placeFailed } from "../../example/web/src/thread/failed-turns.js";
import { message } from "./build.js";
import { openPage, type ShownPage } from "./page.js";

let page: ShownPage | undefined;
afterEach(() => page?.close());

const failed = (turnId: string, error = "it failed") => ({ turnId, error, asked: "what was asked" });
const said = (...turnIds: string[]) => turnIds.map((turnId, i) => message({ _id: `m${i}`, turnId }));
const ORDER = ["a", "b", "c", "d"];

describe("its place", () => {
  it.each<[string, string[], string[], boolean, [number, string[]][]]>([
    ["behind its last message", ["a", "b", "b", "c"], ["b"], false, [[2, ["b"]]]],
    ["without a message, behind the turn before it", ["a", "a", "c"], ["b"], false, [[1, ["b"]]]],
    ["behind messages of a turn that is no longer known, where the turns before it have none", ["old", "c"], ["a", "b"], false, [[0, ["a", "b"]]]],
    ["before the first message of all", ["b"], ["a"], true, [[-1, ["a"]]]],
    ["none, where what is loaded begins behind it", ["b"], ["a"], false, []],
    ["before messages of a turn that has only begun to be known", ["a", "new"], ["b"], true, [[0, ["b"]]]],
    ["alone in its thread", [], ["a", "b"], true, [[-1, ["a", "b"]]]],
    ["of none, none", ["a"], [], true, []],
  ])("is %s", (_what, turnIds, turns, isWhole, want) => {
    const placed = placeFailed(said(...turnIds), { order: ORDER, turns: turns.map((turnId) => failed(turnId)) }, isWhole);
    expect([...placed].map(([at, here]) => [at, here.map(({ turnId }) => turnId)])).toEqual(want);
  });

  it("is with its message, where that told the same", () => {
    const messages = [message({ turnId: "a", status: "failed", error: "it failed" }), message({ _id: "m2", turnId: "b" })];
    expect(placeFailed(messages, { order: ORDER, turns: [failed("a")] }, true).size).toBe(0);
    expect(placeFailed(messages, { order: ORDER, turns: [failed("a", "of another")] }, true).get(0)).toMatchObject([{ isAlone: false }]);
  });
});

describe("on the page", () => {
  const inThread = (turn: object) => ({
    getThread: ({ threadId }: { threadId: string }) => ({ threadId, status: "active" as const, createdAt: 1, updatedAt: 1, name: "First", turn }) as never,
  });
  const turns = (rows: Record<string, object>) => ({ getTurn: ({ turnId }: { turnId: string }) => ({ turnId, turnOrder: 1, createdAt: 1, ...rows[turnId] }) as never });
  const listed = (...ids: [string, string][]) => ({ listTurns: () => ids.map(([turnId, status]) => ({ turnId, status, startedAt: 1 })) as never });

  it("one that failed before its first word is told once another has begun", async () => {
    page = await openPage(
      {
        ...inThread({ turnId: "b", status: "inProgress" }),
        ...turns({ a: { status: "failed", error: "Quota exceeded.", inputSummary: "fix the sum" }, b: { status: "inProgress" } }),
        ...listed(["b", "inProgress"], ["a", "failed"]),
      },
      "thread=thread-1",
    );
    await screen.findByText("Quota exceeded.");
    screen.getByText("fix the sum");
  });

  it.each([
    ["that was taken back", { status: "failed", error: "E_COMMAND_CANCELLED" }, "It was taken back before Codex had it."],
    ["that was taken back, and says so", { status: "interrupted", error: "E_COMMAND_CANCELLED" }, "It was taken back before Codex had it."],
    ["that came too late", { status: "failed", error: "E_COMMAND_EXPIRED" }, "No machine took it in time."],
  ])("one %s is told in words", async (_what, row, words) => {
    page = await openPage({ ...inThread({ turnId: "a", ...row }), ...turns({ a: row }) }, "thread=thread-1");
    await screen.findByText(words);
    expect(document.body.textContent).not.toContain("E_COMMAND");
    expect(document.querySelectorAll(".error").length).toBe(row.error === "E_COMMAND_EXPIRED" ? 1 : 0);
    await waitFor(() => expect(document.title).toBe("First"));
  });
});
