// A piece of text is work for its own row, and for no other.
import { useVirtualizer } from "@tanstack/react-virtual";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import type { CodexUIMessage } from "convex-codex-local/react";
import { useState } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useOutline } from "../../example/web/src/thread/outline.js";
import { Rows } from "../../example/web/src/thread/rows.js";
import type { PastTurns } from "../../example/web/src/thread/past-turns.js";
import { TurnNotes } from "../../example/web/src/thread/turn-note.js";
import { message } from "./build.js";
import { stubSize } from "./in-view.js";

vi.mock(import("@tanstack/react-virtual"), async (original) => {
  const real = await original();
  return { ...real, useVirtualizer: vi.fn(real.useVirtualizer) as unknown as typeof real.useVirtualizer };
});
vi.mock(import("../../example/web/src/thread/turn-note.js"), async (original) => {
  const real = await original();
  return { ...real, TurnNotes: vi.fn(real.TurnNotes) };
});

beforeEach(stubSize);
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

const COUNT = 200;
const TURNS = 10;
const turnAt = (at: number) => `t${Math.floor((at * TURNS) / COUNT)}`;
const thread = () => Array.from({ length: COUNT }, (_, at) => message({ _id: `m${at}`, messageId: `m${at}`, turnId: turnAt(at), text: `text ${at}.` }));
const PAST: PastTurns = {
  order: Array.from({ length: TURNS }, (_, at) => `t${at}`),
  turns: Array.from({ length: TURNS - 1 }, (_, at) => ({ turnId: `t${at}`, status: "failed", error: `failure ${at}.` })),
  newest: `t${TURNS - 1}`,
};

function open() {
  let put: (change: (before: CodexUIMessage[]) => CodexUIMessage[]) => void = () => undefined;
  const viewport = document.body.appendChild(document.createElement("main"));
  function Page() {
    const [messages, change] = useState(thread);
    put = change;
    return <Rows messages={messages} outline={useOutline(messages)} isWhole past={PAST} viewport={viewport} />;
  }
  render(<Page />);
  return {
    change: (change: (before: CodexUIMessage[]) => CodexUIMessage[]) => act(() => put(change)),
    grow: (piece: string) => act(() => put((before) => before.with(-1, { ...before.at(-1)!, text: before.at(-1)!.text + piece }))),
  };
}

/** What names the rows to what lays them out: another function is another layout of all of them. */
const keyings = () => new Set(vi.mocked(useVirtualizer).mock.calls.map(([{ getItemKey }]) => getItemKey)).size;
const ranges = () => new Set(vi.mocked(useVirtualizer).mock.calls.map(([{ rangeExtractor }]) => rangeExtractor)).size;
/** Each row draws two of them. */
const rowsDrawn = () => vi.mocked(TurnNotes).mock.calls.length / 2;

it("lays out no rows, and draws none but its own", () => {
  const { grow } = open();
  screen.getByText("failure 8.");
  vi.mocked(useVirtualizer).mockClear();
  vi.mocked(TurnNotes).mockClear();
  for (const piece of [" one", " two", " three"]) grow(piece);
  screen.getByText("text 199. one two three");
  expect([keyings(), ranges()]).toEqual([1, 1]);
  expect(rowsDrawn()).toBe(3);
});

it("a message that comes is laid out, and one whose turn ends tells of it", () => {
  const { change } = open();
  change((before) => [...before, message({ _id: "new", turnId: "t9", text: "a new one." })]);
  screen.getByText("a new one.");
  change((before) => before.map((one) => (one.turnId === "t9" ? { ...one, turnId: "unknown", status: "failed" as const, error: "an end." } : one)));
  expect(screen.getAllByText("an end.")).toHaveLength(1);
});

it("a review is read once, and an answer without a word not at all", () => {
  const review = { sourceItemType: "exitedReviewMode", turnId: "r", text: "It is wrong." };
  const answer = { sourceItemType: "agentMessage", turnId: "r", text: "It is wrong." };
  const { change } = open();
  const show = (...messages: Partial<CodexUIMessage>[]) => change(() => messages.map((one, at) => message({ _id: String(at), ...one })));
  const items = () => [screen.queryAllByText("It is wrong.").length, document.querySelectorAll("article").length];
  show({ ...answer, text: "" }, review, answer);
  expect(items()).toEqual([1, 1]);
  expect(screen.getAllByRole("listitem")).toHaveLength(1);
  show(review, { ...answer, turnId: "another" });
  expect(items()).toEqual([2, 2]);
  show({ ...answer, text: "", status: "streaming" }, { ...answer, text: "", payloadJson: JSON.stringify({ questions: [{ title: "Which?" }] }) });
  expect(items()).toEqual([0, 2]);
});

const PIECES = 5;
const ONE_FAILED: PastTurns = { order: ["t0", "t1", "t2"], turns: [{ turnId: "t1", status: "failed", error: "Quota exceeded." }], newest: "t2" };

/** A scroller that has a height: only then are there rows in view. */
function viewportOf(height: number): HTMLElement {
  const viewport = document.createElement("div");
  Object.defineProperty(viewport, "clientHeight", { value: height });
  return viewport;
}

/** A thread of so many messages, the last of which grows, and how often anything was read of the others meanwhile. */
function readsWhileGrowing(length: number): number {
  let reads = 0;
  const counted = (one: CodexUIMessage) =>
    new Proxy(one, {
      get(target, name) {
        reads += 1;
        return Reflect.get(target, name) as unknown;
      },
    });
  const others = Array.from({ length: length - 1 }, (_, at) => counted(message({ _id: `m${at}`, messageId: `m${at}`, turnId: at < 2 ? `t${at}` : "t2", text: "said" })));
  const last = message({ _id: "last", messageId: "last", turnId: "t2", status: "streaming" });
  const viewport = viewportOf(600);
  function Page({ messages }: { messages: CodexUIMessage[] }) {
    return <Rows messages={messages} outline={useOutline(messages)} isWhole past={ONE_FAILED} viewport={viewport} />;
  }
  const rows = (text: string, more: CodexUIMessage[] = []) => <Page messages={[...others, { ...last, text }, ...more]} />;
  // What its reader touched is looked for, and is not there any more.
  const { rerender } = render(rows("", [message({ _id: "gone", turnId: "t2", text: "touched" })]));
  fireEvent.pointerDown(screen.getByText("touched"));
  rerender(rows("word"));
  reads = 0;
  for (let at = 1; at <= PIECES; at += 1) rerender(rows(`${"word ".repeat(at)}end${at}`));
  expect(screen.getByText(new RegExp(`end${PIECES}`))).toBeDefined();
  cleanup();
  return reads;
}

it("reads as little in a long thread as in a short one", () => {
  const short = readsWhileGrowing(60);
  expect(readsWhileGrowing(2_000)).toBe(short);
});
