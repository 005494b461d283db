// Where the focus goes when what had it goes: not to the page, whose top the keyboard would begin at.
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Picture } from "../../example/web/src/items/picture.js";
import { WholeText } from "../../example/web/src/items/whole-text.js";
import type { Piece } from "../../example/web/src/whole.js";
import { stubSize } from "./in-view.js";
import { openPage, type ShownPage } from "./page.js";

let page: ShownPage | undefined;
beforeEach(stubSize);
afterEach(async () => {
  vi.restoreAllMocks();
  cleanup();
  await page?.close();
  page = undefined;
});

const focused = () => document.activeElement;
/** As a keyboard does it. */
function press(button: HTMLElement) {
  button.focus();
  fireEvent.click(button);
}

type Paged = { paginationOpts: { cursor: string | null; numItems: number; endCursor?: string | null } };
/** Rows by pages, newest first. */
const pagesOf =
  (rows: object[], more: object = {}) =>
  ({ paginationOpts: { cursor, numItems, endCursor } }: Paged) => {
    const from = Number(cursor ?? 0);
    const to = Math.min(rows.length, endCursor === undefined || endCursor === null ? from + numItems : Number(endCursor));
    return { page: rows.slice(from, to), isDone: to === rows.length, continueCursor: String(to), ...more } as never;
  };
const times = <Row,>(count: number, row: (at: number) => Row) => Array.from({ length: count }, (_, at) => row(at));

describe("a thread that is chosen from inside another", () => {
  const threads = {
    getThread: ({ threadId }: { threadId: string }) =>
      ({ threadId, status: "active" as const, createdAt: 1, updatedAt: 1, name: `Name of ${threadId}.`, ...(threadId === "agent" && { parentThreadId: "parent" }) }) as never,
  };

  it("begins with its name", async () => {
    page = await openPage(threads, "thread=agent");
    press(await screen.findByRole("button", { name: "Parent thread" }));
    await waitFor(() => expect(focused()).toBe(screen.getByRole("heading", { name: "Name of parent." })));
  });

  it("leaves the focus where it is on what stays, and takes none when the page is opened", async () => {
    page = await openPage(threads, "thread=agent");
    await screen.findByRole("heading", { name: "Name of agent." });
    expect(focused()).toBe(document.body);
    const other = screen.getByRole("button", { name: /First/ });
    press(other);
    await screen.findByRole("heading", { name: "Name of thread-1." });
    expect(focused()).toBe(other);
  });
});

describe("a button that loads more", () => {
  it("of the threads keeps it while it does, and gives it to the first that came at the end", async () => {
    const listed = times(130, (at) => ({ threadId: `thread-${at}`, status: "active", updatedAt: 1_000 - at, name: `Number ${at}.` }));
    page = await openPage({ listThreadsForHooks: pagesOf(listed) }, "thread=thread-1");
    const more = await screen.findByRole("button", { name: "More threads" });
    press(more);
    expect([more.textContent, more.getAttribute("aria-disabled")]).toEqual(["Loading …", "true"]);
    await screen.findByRole("button", { name: /Number 79\./ });
    expect(focused()).toBe(await screen.findByRole("button", { name: "More threads" }));
    press(screen.getByRole("button", { name: "More threads" }));
    await waitFor(() => expect(screen.queryByRole("button", { name: /More threads|Loading/ })).toBeNull());
    expect(focused()).toBe(screen.getByRole("button", { name: /Number 80\./ }));
  });

  it("of the messages gives it to the start of the thread", async () => {
    const rows = times(40, (at) => ({
      ...{ threadId: "thread-1", turnId: "a", turnOrder: 1, orderInTurn: 40 - at, messageId: `m${at}`, role: "assistant", status: "completed" },
      ...{ sourceItemType: "agentMessage", payloadJson: "{}", text: `text ${at}.`, createdAt: 1, updatedAt: 1 },
    }));
    page = await openPage({ listThreadMessagesForHooks: pagesOf(rows, { threadStatus: "active" }) }, "thread=thread-1");
    press(await screen.findByRole("button", { name: "Earlier messages" }));
    const start = await screen.findByText("Start of the thread");
    expect(focused()).toBe(start);
  });

  it("of the decisions gives it to the first that came", async () => {
    const decided = times(25, (at) => ({
      ...{ threadId: "thread-1", turnId: "a", itemId: `i${at}`, requestId: at, method: "item/commandExecution/requestApproval", kind: "approval" },
      ...{ payloadJson: JSON.stringify({ params: { command: `command ${at}.` } }), status: "resolved", createdAt: 1, updatedAt: 1 },
      ...{ verdict: "accepted", decidedByDevice: "phone", decidedAt: 1 },
    }));
    page = await openPage({ listDecidedRequestsForHooks: pagesOf(decided) }, "thread=thread-1");
    fireEvent(await screen.findByLabelText("Who decided what"), Object.assign(new Event("toggle"), { newState: "open" }));
    press(await screen.findByText("Earlier decisions"));
    await waitFor(() => expect(screen.queryByText(/Earlier decisions|Loading/)).toBeNull());
    expect(focused()).toBe(screen.getByText("command 20.").closest("li"));
  });
});

describe("what takes the place of its button has it", () => {
  it("a text that is read whole, and its button while it is read", async () => {
    let answer: (piece: Piece) => void = () => undefined;
    render(<WholeText label="Output" read={() => new Promise((resolve) => (answer = resolve))} />);
    const button = screen.getByRole("button", { name: "Read all of it" });
    press(button);
    expect(focused()).toBe(button);
    expect([button.textContent, button.getAttribute("aria-disabled")]).toEqual(["Reading … 0 characters", "true"]);
    await act(async () => answer({ text: "all of it", continueCursor: "9", isDone: true, status: "completed" }));
    expect(focused()).toBe(await screen.findByRole("region", { name: "Output" }));
  });

  it("an image", async () => {
    render(<Picture url="data:image/png;base64,AA==" name="Picture" />);
    await act(async () => press(screen.getByRole("button", { name: /Show picture/ })));
    expect(focused()).toBe(screen.getByRole("img", { name: "Picture" }));
  });

  it("the transcript, whose end was asked for", async () => {
    page = await openPage({}, "thread=thread-1");
    const transcript = screen.getByRole("main");
    vi.spyOn(Element.prototype, "scrollHeight", "get").mockReturnValue(5_000);
    transcript.scrollTop = 900;
    fireEvent.scroll(transcript);
    transcript.scrollTop = 100;
    fireEvent.scroll(transcript);
    press(await screen.findByRole("button", { name: "Latest" }));
    expect(focused()).toBe(transcript);
  });
});
