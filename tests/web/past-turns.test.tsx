// What a turn tells beside its messages is told once, where the turn was, also when others came after it.
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { placeTurns, type PastTurn } from "../../example/web/src/thread/past-turns.js";
import { message } from "./build.js";
import { stubSize } from "./in-view.js";
import { openPage, type ShownPage } from "./page.js";

let page: ShownPage | undefined;
beforeEach(stubSize);
afterEach(async () => {
  vi.restoreAllMocks();
  await page?.close();
});

const failed = (turnId: string): PastTurn => ({ turnId, status: "failed", error: "it failed", asked: "what was asked" });
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
    const placed = placeTurns(said(...turnIds), { order: ORDER, turns: turns.map(failed), newest: "d" }, isWhole);
    expect([...placed].map(([at, here]) => [at, here.map(({ turnId }) => turnId)])).toEqual(want);
  });

  it("is that of one note, however many messages say what ended it", () => {
    const ended = (_id: string, turnId: string, error: string) => message({ _id, turnId, status: "interrupted", error });
    const messages = [ended("m1", "old", "of old"), ended("m2", "old", "of old"), ended("m3", "a", "of a"), message({ _id: "m4", turnId: "a" }), ended("m5", "d", "of d")];
    const placed = placeTurns(messages, { order: ORDER, turns: [failed("a")], newest: "d" }, true);
    expect([...placed].map(([at, here]) => [at, here.map(({ turnId, status, error, isAlone }) => [turnId, status, error, isAlone])])).toEqual([
      [1, [["old", "interrupted", "of old", false]]],
      [3, [["a", "failed", "it failed", false]]],
    ]);
  });
});

describe("on the page", () => {
  type Row = { status: string; error?: string; inputSummary?: string; planJson?: string };
  /** A thread of these turns, oldest first, each with as many messages as are named. */
  const thread = (...turns: [turnId: string, row: Row, messages: object[]][]) => {
    const [newestId, newest] = turns.at(-1)!;
    const rows = turns.flatMap(([turnId, , messages], turnOrder) =>
      messages.map((given, orderInTurn) => ({
        ...{ threadId: "thread-1", turnId, turnOrder, orderInTurn, messageId: `${turnId}-${orderInTurn}` },
        ...{ role: "tool", status: "completed", sourceItemType: "commandExecution", payloadJson: "{}", text: "", createdAt: 1, updatedAt: 1 },
        ...given,
      })),
    );
    return {
      getThread: ({ threadId }: { threadId: string }) =>
        ({ threadId, status: "active" as const, createdAt: 1, updatedAt: 1, name: "First", turn: { turnId: newestId, status: newest.status } }) as never,
      getTurn: ({ turnId }: { turnId: string }) => ({ turnId, turnOrder: 1, createdAt: 1, ...turns.find(([id]) => id === turnId)![1] }) as never,
      listTurns: () =>
        turns
          .map(([turnId, { status, error, planJson }]) => ({ turnId, status, startedAt: 1, hasPlan: planJson !== undefined, ...(error !== undefined && { error }) }))
          .reverse() as never,
      listThreadMessagesForHooks: () => ({ page: [...rows].reverse(), isDone: true, continueCursor: "", threadStatus: "active" }) as never,
    };
  };
  const plan = (...steps: string[]) => JSON.stringify({ plan: steps.map((step) => ({ step, status: "pending" })) });
  const open = async (given: Parameters<typeof openPage>[0]) => (page = await openPage(given, "thread=thread-1"));
  const RUNS: Row = { status: "inProgress" };
  const cut = (error: string, status = "failed") => [{}, { status, error }, { status, error }];

  it("one that failed before its first word is told once another has begun", async () => {
    await open(thread(["a", { status: "failed", error: "Quota exceeded.", inputSummary: "fix the sum" }, []], ["b", RUNS, []]));
    await screen.findByText("Quota exceeded.");
    await screen.findByText("fix the sum");
  });

  it.each<[string, Row]>([
    ["failed", { status: "failed", error: "Quota exceeded." }],
    ["was stopped", { status: "interrupted", error: "Quota exceeded." }],
  ])("what one ended with that %s is told once while it is the newest, and once when it is not", async (_what, row) => {
    await open(thread(["a", row, cut(row.error!, row.status)]));
    await screen.findByText("Quota exceeded.");
    expect(screen.getAllByText("Quota exceeded.")).toHaveLength(1);
    page!.answers = thread(["a", row, cut(row.error!, row.status)], ["b", RUNS, []]);
    await page!.refresh();
    await waitFor(() => expect(document.querySelector(".newest-turn")?.textContent).toBe(""));
    expect(screen.getAllByText("Quota exceeded.")).toHaveLength(1);
  });

  it("a stop without a word is told as one", async () => {
    const row = { status: "interrupted", error: "interrupted" };
    await open(thread(["a", row, []]));
    await screen.findByText("Interrupted.");
    expect(document.querySelector(".error")).toBeNull();
  });

  it("a stop without any word is told where it was, once others came after it", async () => {
    const row = { status: "interrupted" };
    await open(thread(["a", row, [{}]]));
    await screen.findByText("Interrupted.");
    page!.answers = thread(["a", row, [{}]], ["b", { status: "completed" }, [{}]], ["c", RUNS, []]);
    await page!.refresh();
    await waitFor(() => expect(document.querySelector(".newest-turn")?.textContent).toBe(""));
    expect([...document.querySelectorAll(".past-turn")].map(({ textContent }) => textContent)).toEqual(["Interrupted."]);
  });

  it("a stop that its last answer says is not said again; one without a message says what was asked for", async () => {
    const said = { text: "half of", status: "interrupted", sourceItemType: "agentMessage", role: "assistant" };
    const row = { status: "interrupted", error: "interrupted" };
    await open(thread(["a", row, [said]], ["b", { ...row, inputSummary: "make it shorter" }, []], ["c", RUNS, [{}]]));
    await screen.findByText("make it shorter");
    expect([...document.querySelectorAll(".past-turn")].map(({ textContent }) => textContent)).toEqual(["Asked for: make it shorterInterrupted."]);
  });

  it.each<[string, Pick<Row, "planJson">, string[]]>([
    ["alone", {}, []],
    ["beside its plan", { planJson: plan("look") }, ["look"]],
  ])("a stop that its last answer says is said once, %s: while it is the newest, and when it is not", async (_what, given, steps) => {
    const said = { text: "half of", status: "interrupted", sourceItemType: "agentMessage", role: "assistant" };
    const row = { status: "interrupted", error: "interrupted", ...given };
    const shown = () => document.querySelector(".transcript")!.textContent.match(/interrupted/gi);
    const planned = () => [...document.querySelectorAll(".transcript bdi")].map(({ textContent }) => textContent);
    await open(thread(["a", row, [said]]));
    await waitFor(() => expect(planned()).toEqual(steps));
    await page!.refresh();
    expect(shown()).toEqual(["Interrupted"]);
    page!.answers = thread(["a", row, [said]], ["b", RUNS, [{ text: "next", sourceItemType: "agentMessage", role: "assistant" }]]);
    await page!.refresh();
    await screen.findByText("next");
    await waitFor(() => expect(planned()).toEqual(steps));
    expect(shown()).toEqual(["Interrupted"]);
  });

  it("a stop in the midst of thoughts is told: they do not say it", async () => {
    const thought = { text: "half of a thought", status: "interrupted", sourceItemType: "reasoning", role: "assistant" };
    const row = { status: "interrupted", error: "interrupted" };
    await open(thread(["a", row, [thought]]));
    await screen.findByText("Interrupted.");
    page!.answers = thread(["a", row, [thought]], ["b", RUNS, [{}]]);
    await page!.refresh();
    await waitFor(() => expect(document.querySelector(".newest-turn")?.textContent).toBe(""));
    expect([...document.querySelectorAll(".past-turn")].map(({ textContent }) => textContent)).toEqual(["Interrupted."]);
  });

  it("a plan stays behind its turn", async () => {
    const done = { status: "completed", planJson: plan("look", "mend") };
    const ended = thread(["a", done, [{}]], ["b", { ...RUNS, planJson: plan("test") }, [{}]], ["c", RUNS, []]);
    await open(ended);
    await waitFor(() => expect(screen.getAllByRole("region", { name: "Plan" })).toHaveLength(1));
    screen.getByText("mend");
    page!.answers = { ...ended, ...thread(["a", done, [{}]], ["b", { ...done, planJson: plan("test") }, [{}]], ["c", RUNS, []]) };
    await page!.refresh();
    await screen.findByText("test");
    expect([...document.querySelectorAll(".past-turn bdi")].map(({ textContent }) => textContent)).toEqual(["look", "mend", "test"]);
  });

  it("turns are asked for one by one where they have a plan or have failed, and no others", async () => {
    const before = Array.from({ length: 30 }, (_, at): [string, Row, object[]] => [`t${at}`, { status: "completed" }, [{ text: `word ${at}` }]]);
    before[3]![1] = { status: "completed", planJson: plan("look") };
    before[5]![1] = { status: "failed", error: "Quota exceeded." };
    const answers = thread(...before, ["last", RUNS, [{ text: "the end", sourceItemType: "agentMessage", role: "assistant" }]]);
    const asked: string[] = [];
    await open({
      ...answers,
      getTurn: (args) => {
        asked.push(args.turnId);
        return answers.getTurn(args);
      },
    });
    await screen.findByText("the end");
    await waitFor(() => expect(asked).toEqual(expect.arrayContaining(["last", "t3", "t5"])));
    await page!.refresh();
    expect([...new Set(asked)].sort()).toEqual(["last", "t3", "t5"]);
  });

  it("what is told is told without a break, whatever of the turn has yet to be read", async () => {
    const row = { status: "failed", error: "Quota exceeded.", planJson: plan("look") };
    await open(thread(["a", row, [{}]]));
    await screen.findByText("Quota exceeded.");
    const shown = () => [screen.queryAllByText("Quota exceeded.").length, screen.queryAllByText("look").length];
    const seen: number[][] = [];
    const observer = new MutationObserver(() => seen.push(shown()));
    observer.observe(document.body, { childList: true, subtree: true });
    const then = thread(["a", row, [{}]], ["b", RUNS, [{ text: "next", sourceItemType: "agentMessage", role: "assistant" }]]);
    page!.answers = {
      ...then,
      getTurn: (args) => {
        if (args.turnId === "a") throw new Error("not at the moment");
        return then.getTurn(args);
      },
    };
    await page!.refresh();
    await screen.findByText("next");
    observer.disconnect();
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((counts) => counts.join() !== "1,1")).toEqual([]);
  });

  it("that one could not be read is said, and it is read again when its reader tries", async () => {
    const answers = thread(["a", { status: "completed", planJson: plan("look") }, [{}]], ["b", RUNS, []]);
    await open({
      ...answers,
      getTurn: (args) => {
        if (args.turnId === "a") throw new Error("not at the moment");
        return answers.getTurn(args);
      },
    });
    await screen.findByText(/How earlier turns went could not be read/);
    page!.answers = answers;
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByText("look");
    expect(screen.queryByText(/could not be read/)).toBeNull();
  });

  it.each([
    ["that was taken back", { status: "failed", error: "E_COMMAND_CANCELLED" }, "It was taken back before Codex had it."],
    ["that was taken back, and says so", { status: "interrupted", error: "E_COMMAND_CANCELLED" }, "It was taken back before Codex had it."],
    ["that came too late", { status: "failed", error: "E_COMMAND_EXPIRED" }, "No machine took it in time."],
  ])("one %s is told in words", async (_what, row, words) => {
    await open(thread(["a", row, []]));
    await screen.findByText(words);
    expect(document.body.textContent).not.toContain("E_COMMAND");
    expect(document.querySelectorAll(".error").length).toBe(row.error === "E_COMMAND_EXPIRED" ? 1 : 0);
    await waitFor(() => expect(document.title).toBe("First"));
  });
});
