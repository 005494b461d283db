// The page around a thread, where the deployment does not answer as it should.
import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { ConvexError } from "convex/values";
import { afterEach, describe, expect, it } from "vitest";
import { openPage, type ShownPage } from "./page.js";

let page: ShownPage | undefined;
afterEach(() => page?.close());

const SIGNED_OUT = "You are signed out, or your sign-in has expired.";
const signedOut = () => {
  throw new ConvexError({ code: "E_AUTH_SIGNED_OUT", message: "[E_AUTH_SIGNED_OUT] nobody is signed in", retryable: false });
};
const EVERYTHING = {
  viewer: signedOut,
  listThreadsForHooks: signedOut,
  listPendingServerRequestsForHooks: signedOut,
  listPresence: signedOut,
  getThread: signedOut,
  getTurn: signedOut,
  getPresence: signedOut,
  listThreadMessagesForHooks: signedOut,
  listPendingApprovalsForHooks: signedOut,
  listCommands: signedOut,
};

/** All that is said, without what the platform puts around an error. */
const said = () => document.body.textContent;

describe("a sign-in that has expired", () => {
  it("is told as what it is where no thread is open, and not as no thread, or no machine", async () => {
    page = await openPage(EVERYTHING);
    await within(screen.getByRole("main")).findByText(SIGNED_OUT);
    expect(said()).not.toMatch(/No thread yet|No machine has been here|CONVEX|E_AUTH/);
  });

  it("is told where a thread is open", async () => {
    page = await openPage(EVERYTHING, "thread=thread-1");
    await within(screen.getByRole("main")).findByText(SIGNED_OUT);
    expect(said()).not.toMatch(/CONVEX|E_AUTH/);
  });

  it("is over once it is tried again with one that holds; what was typed stays", async () => {
    page = await openPage({}, "thread=thread-1");
    const message = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
    fireEvent.change(message, { target: { value: "what I typed" } });
    page.answers = EVERYTHING;
    await page.refresh();
    const [again] = await screen.findAllByRole("button", { name: "Try again" });
    page.answers = {};
    fireEvent.click(again!);
    await waitFor(() => expect(screen.queryByText(SIGNED_OUT)).toBeNull());
    await screen.findByText("Nothing yet");
    expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: "Message" }).value).toBe("what I typed");
  });
});

it("what a message is refused with is told in words, and the message stays", async () => {
  page = await openPage({ sendCommand: signedOut }, "thread=thread-1");
  const message = await screen.findByRole<HTMLTextAreaElement>("textbox", { name: "Message" });
  fireEvent.change(message, { target: { value: "hello" } });
  fireEvent.keyDown(message, { key: "Enter" });
  expect((await screen.findByRole("alert")).textContent).toBe(SIGNED_OUT);
  expect(message.value).toBe("hello");
});

describe("one query that fails", () => {
  it("takes its own part of the page, and no other", async () => {
    const turn = { turnId: "turn-1", status: "inProgress" as const };
    page = await openPage(
      {
        viewer: signedOut,
        getTurn: signedOut,
        getThread: ({ threadId }) => ({ threadId, status: "active", createdAt: 1, updatedAt: 1, turn }),
      },
      "thread=thread-1",
    );
    await screen.findByText(/How the turn stands could not be read/);
    screen.getByRole("textbox", { name: "Message" });
    screen.getByRole("button", { name: /First/ });
    screen.getByText(/Who is signed in could not be read/);
  });

  it("of what is no answer at all can be left again", async () => {
    page = await openPage({ getThread: () => "no thread" as never, listThreadMessagesForHooks: () => ({ page: [null] }) as never }, "thread=thread-1");
    const again = await screen.findByRole("button", { name: "Try again" });
    screen.getByRole("button", { name: /First/ });
    page.answers = {};
    fireEvent.click(again);
    await screen.findByText("Nothing yet");
  });
});

it("a thread that cannot be drawn leaves the way to the list", async () => {
  page = await openPage({ getThread: () => "no thread" as never, listThreadMessagesForHooks: () => ({ page: [null] }) as never }, "thread=thread-1");
  await within(screen.getByRole("main")).findByText("This could not be shown");
  const button = screen.getByRole("button", { name: "Threads and machines" });
  fireEvent.click(button);
  expect(button.getAttribute("aria-expanded")).toBe("true");
  expect(document.activeElement).toBe(screen.getByRole("navigation"));
  fireEvent.keyDown(screen.getByRole("navigation"), { key: "Escape" });
  expect(document.activeElement).toBe(button);
});

describe("what a thread says of itself that cannot be read", () => {
  it.each([
    ["getThread", "How the thread stands could not be read"],
    ["getPresence", "Whether its machine is there could not be read"],
  ] as const)("of %s is said to be so, with a way to try again", async (name, title) => {
    page = await openPage({ [name]: signedOut }, "thread=thread-1");
    const line = await screen.findByText(new RegExp(`^${title}`));
    expect(line.textContent).toContain(SIGNED_OUT);
    page.answers = {};
    fireEvent.click(within(line).getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.queryByText(new RegExp(`^${title}`))).toBeNull());
  });
});

describe("what can be done with a thread", () => {
  it("has the focus where it was, when the question whether to delete it is answered with no", async () => {
    page = await openPage({}, "thread=thread-1");
    const menu = await waitFor(() => document.querySelector<HTMLElement>(".thread-menu")!);
    // As a browser tells it that has popovers.
    fireEvent(menu, Object.assign(new Event("toggle"), { newState: "open" }));
    const press = (name: string) => fireEvent.click(within(menu).getByText(name));
    expect(document.activeElement).toBe(document.body);
    press("Delete …");
    expect(document.activeElement).toBe(within(menu).getByText("No"));
    press("No");
    expect(document.activeElement).toBe(within(menu).getByText("Delete …"));
  });
});

it("why a thread does not go on is told in a place that was there before", async () => {
  const thread = (status: "active" | "archived") => ({ getThread: ({ threadId }: { threadId: string }) => ({ threadId, status, createdAt: 1, updatedAt: 1 }) });
  page = await openPage(thread("active"), "thread=thread-1");
  await screen.findByRole("textbox", { name: "Message" });
  const places = screen.getAllByRole("status");
  page.answers = thread("archived");
  await page.refresh();
  const words = await screen.findByText("This thread is archived: it takes no new turn.");
  const place = words.closest("[role=status]");
  expect(places).toContain(place);
  expect(place?.getAttribute("aria-atomic")).toBe("false");
});

describe("the title", () => {
  const inThread = (name?: string) => ({
    getThread: ({ threadId }: { threadId: string }) => ({ threadId, status: "active" as const, createdAt: 1, updatedAt: 1, ...(name !== undefined && { name }) }),
  });

  it("is the thread's name where it is not among those that are listed", async () => {
    page = await openPage(inThread("An old one"), "thread=thread-of-last-year");
    await waitFor(() => expect(document.title).toBe("An old one"));
  });

  it("stays what it was when newer threads take its place in the list", async () => {
    const row = (threadId: string, preview: string) => ({ threadId, status: "active" as const, updatedAt: 1, preview });
    const listed = (...rows: object[]) => ({ listThreadsForHooks: () => ({ page: rows, isDone: true, continueCursor: "" }) as never });
    page = await openPage({ ...inThread(), ...listed(row("thread-1", "Fix the sum")) }, "thread=thread-1");
    await waitFor(() => expect(document.title).toBe("Fix the sum"));
    page.answers = { ...inThread(), ...listed(row("thread-2", "Another one")) };
    await page.refresh();
    await screen.findByRole("button", { name: /Another one/ });
    expect(document.title).toBe("Fix the sum");
    screen.getByRole("heading", { name: "Fix the sum" });
  });
});

describe("what waits for a person", () => {
  const asked = (threadId: string, requestId: string) => ({
    threadId,
    turnId: "turn-1",
    itemId: requestId,
    requestId,
    method: "item/tool/requestUserInput",
    payloadJson: "{}",
    status: "pending",
    createdAt: 1,
    updatedAt: 1,
  });

  it("is counted in the tab's title, in whatever thread it is; and at the button of the list, in others than the one that is shown", async () => {
    const waiting = [asked("thread-1", "a"), asked("thread-2", "b"), asked("thread-2", "c")];
    page = await openPage({ listPendingServerRequestsForHooks: ({ threadId }) => waiting.filter((one) => threadId === undefined || one.threadId === threadId) as never }, "thread=thread-1");
    await waitFor(() => expect(document.title).toBe("(3) ❗ First"));
    const button = screen.getByRole("button", { name: "Threads and machines: other threads ask you (2)" });
    expect(button.querySelector(".badge")?.textContent).toBe("2");
    waiting.length = 1;
    await page.refresh();
    await waitFor(() => expect(document.title).toBe("(1) ❗ First"));
    expect(screen.getByRole("button", { name: "Threads and machines" }).querySelector(".badge")).toBeNull();
    waiting.length = 0;
    await page.refresh();
    await waitFor(() => expect(document.title).toBe("First"));
  });

  it("is counted where no thread is shown", async () => {
    const nothing = { listThreadsForHooks: () => ({ page: [], isDone: true, continueCursor: "" }) };
    page = await openPage({ ...nothing, listPendingServerRequestsForHooks: () => [asked("thread-2", "b")] as never });
    await waitFor(() => expect(document.title).toBe("(1) ❗ Codex"));
  });
});

describe("a search", () => {
  const LISTED = Array.from({ length: 70 }, (_, i) => ({ threadId: `thread-${i}`, status: "active" as const, updatedAt: 100 - i, name: `Number ${i}.` }));
  const listThreadsForHooks = ({ paginationOpts: { cursor, numItems, endCursor } }: { paginationOpts: { cursor: string | null; numItems: number; endCursor?: string | null } }) => {
    const from = Number(cursor ?? 0);
    const to = Math.min(LISTED.length, endCursor === undefined || endCursor === null ? from + numItems : Number(endCursor));
    return { page: LISTED.slice(from, to), isDone: to === LISTED.length, continueCursor: String(to) };
  };

  it("says that only what is loaded was searched, and goes further when it is told to", async () => {
    page = await openPage({ listThreadsForHooks });
    await screen.findByRole("button", { name: /Number 29\./ });
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "Number 5" } });
    screen.getByRole("button", { name: /Number 5\./ });
    screen.getByText("Only the newest 30 threads were searched.");
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "number 65" } });
    screen.getByText("Nothing found among the newest 30 threads.");
    fireEvent.click(screen.getByRole("button", { name: "Search further" }));
    await screen.findByRole("button", { name: /Number 65\./ });
    await screen.findByText("All threads were searched.");
    expect(screen.queryByRole("button", { name: "Search further" })).toBeNull();
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "number 99" } });
    screen.getByText("Nothing found.");
  });
});

describe("the list as a drawer", () => {
  it("takes the focus, leaves the page behind it alone, and gives the focus back", async () => {
    page = await openPage({}, "thread=thread-1");
    const button = await screen.findByRole("button", { name: "Threads and machines" });
    expect(button.getAttribute("aria-expanded")).toBe("false");
    fireEvent.click(button);
    const list = screen.getByRole("navigation");
    expect(button.getAttribute("aria-expanded")).toBe("true");
    expect(button.getAttribute("aria-controls")).toBe(list.id);
    expect(document.activeElement).toBe(list);
    expect(button.closest("[inert]")).not.toBeNull();
    expect(list.closest("[inert]")).toBeNull();
    fireEvent.keyDown(list, { key: "Escape" });
    expect(button.closest("[inert]")).toBeNull();
    expect(document.activeElement).toBe(button);
    expect(button.getAttribute("aria-expanded")).toBe("false");
  });

  it("is none on a page that becomes as wide as a desk", async () => {
    page = await openPage({}, "thread=thread-1");
    const button = await screen.findByRole("button", { name: "Threads and machines" });
    fireEvent.click(button);
    fireEvent(window, new Event("resize"));
    expect(button.closest("[inert]")).toBeNull();
  });
});

describe("the header", () => {
  const told = (more: object) => ({
    getThread: ({ threadId }: { threadId: string }) => ({ threadId, status: "active" as const, createdAt: 1, updatedAt: 1, name: "First", ...more }) as never,
  });

  it("names what cannot be seen in a folder and a warning, and keeps it from what is around it", async () => {
    page = await openPage(told({ cwd: "/srv/\u202egpj.exe", warning: "be\u200bware" }), "thread=thread-1");
    const folder = await screen.findByText("/srv/", { exact: false, selector: "bdi" });
    expect(folder.textContent).not.toContain("\u202e");
    expect(screen.getByText("be", { exact: false, selector: ".header-warning bdi" }).textContent).not.toContain("\u200b");
  });

  it("shows a warning until it is dismissed, and then the next one", async () => {
    page = await openPage(told({ warning: "The first." }), "thread=thread-1");
    await screen.findByText("The first.");
    fireEvent.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.queryByText("The first.")).toBeNull();
    expect(document.activeElement).toBe(screen.getByRole("heading", { name: "First" }));
    page.answers = told({ warning: "The second." });
    await page.refresh();
    await screen.findByText("The second.");
  });

  it("an effort that is not among those that are known is offered where the thread has it", async () => {
    page = await openPage(told({ settingsJson: JSON.stringify({ effort: "ultra" }) }), "thread=thread-1");
    await screen.findByText("ultra", { selector: "summary" });
    expect([...screen.getByLabelText<HTMLSelectElement>("Effort").options].map(({ value }) => value)).toEqual(["", "minimal", "low", "medium", "high", "xhigh", "ultra"]);
  });
});

it("a thread that was opened by itself and is deleted gives way to the newest", async () => {
  const row = (threadId: string, name: string) => ({ threadId, status: "active" as const, updatedAt: 1, name });
  const listed = (...rows: object[]) => ({ listThreadsForHooks: () => ({ page: rows, isDone: true, continueCursor: "" }) as never });
  const heading = (name: string) => screen.findByRole("heading", { name });
  const named = ({ threadId }: { threadId: string }) => ({ ...row(threadId, `Name of ${threadId}.`), createdAt: 1 }) as never;
  page = await openPage({ ...listed(row("a", "A"), row("b", "B")), getThread: named });
  await heading("Name of a.");
  // It is only older than those that are listed.
  page.answers = { ...listed(row("b", "B")), getThread: named };
  await page.refresh();
  await page.refresh();
  await heading("Name of a.");
  page.answers = { ...listed(row("b", "B")), getThread: (args) => (args.threadId === "a" ? (null) : named(args)) };
  await page.refresh();
  await heading("Name of b.");
});
