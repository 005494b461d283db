// What Codex asks for is shown whole, and what was not shown is not accepted.
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { wholeChanges, wholeDiff, type FileChange } from "../../example/web/src/diff.js";
import type { Readers } from "../../example/web/src/items/readers.js";
import { ReadersContext } from "../../example/web/src/items/readers.js";
import { ApprovalCard, type ApprovalCardProps } from "../../example/web/src/requests/approval-card.js";
import { ACCEPTABLE_BYTES_MAX, CARD_FILES_MAX, CARD_LINES_MAX, CARD_UNITS_MAX } from "../../example/web/src/requests/approval.js";
import { whatOf } from "../../example/web/src/requests/decisions.js";
import { commandOf, decisionWords } from "../../example/web/src/requests/approval-words.js";
import type { CodexUIMessage } from "../../js-wrapper/mapping/index.js";
import { readCodexServerRequest } from "../../js-wrapper/react/index.js";
import { elementsIn, message } from "./build.js";
import { stubInView } from "./in-view.js";

const COMMAND = "item/commandExecution/requestApproval";
const FILES = "item/fileChange/requestApproval";
const PERMISSIONS = "item/permissions/requestApproval";
const IDS = { threadId: "t", turnId: "t", itemId: "m", startedAtMs: 1 };
const NONE = "IS NOT THERE";
/** Thousands of elements, on a machine that may be busy. */
const LARGE_TIMEOUT_MS = 30_000;

let view: ReturnType<typeof stubInView>;
beforeEach(() => {
  view = stubInView({ isInView: true });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const calls = () => ({ onAccept: vi.fn(), onDecline: vi.fn(), onDecide: vi.fn() });
type Approval = ApprovalCardProps["approval"];

function approvalOf(method: string, params: object, more: Partial<Approval> = {}): Approval {
  const payloadJson = JSON.stringify({ method, id: 0, params: { ...IDS, ...params } });
  return { threadId: "t", turnId: "t", itemId: "m", kind: "k", requestId: 0, method, payloadJson, createdAt: 1, isAnswering: false, ...more };
}

function show(method: string, params: object, about?: CodexUIMessage, readers: Readers | null = null) {
  const on = calls();
  const card = (shown: CodexUIMessage | undefined, approval = approvalOf(method, params)) => (
    <ReadersContext value={readers}>
      <ApprovalCard approval={approval} message={shown} {...on} />
    </ReadersContext>
  );
  const { container, rerender } = render(card(about));
  return { container, on, again: (shown: CodexUIMessage | undefined, approval?: Approval) => rerender(card(shown, approval)) };
}

const change = (changes: unknown, more: Partial<CodexUIMessage> = {}) =>
  message({ role: "tool", sourceItemType: "fileChange", status: "streaming", item: { type: "fileChange", changes }, ...more });
const added = (diff: string, path = "a.txt") => ({ path, kind: { type: "add" }, diff });
const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at + 1}\n`).join("");
// Not by their roles: of thousands of elements each is asked for its own.
const acceptButton = () => document.querySelector<HTMLButtonElement>(".request-actions > .primary")!;
const canAccept = () => !acceptButton().disabled;
const canDecline = () => !screen.getByText<HTMLButtonElement>("Decline").disabled;

describe("a change of files", () => {
  it("of 41 lines is open, and is accepted once its end was seen", () => {
    view.leaveEnd();
    const { container, on } = show(FILES, {}, change([added(lines(41))]));
    expect(container.querySelector("details.change")).toBeNull();
    expect(container.querySelectorAll("ins")).toHaveLength(41);
    expect(canAccept()).toBe(false);
    view.scrollToEnd();
    fireEvent.click(acceptButton());
    expect(on.onAccept).toHaveBeenCalledOnce();
  });

  it("shows every file, every line, and each line to its end", { timeout: LARGE_TIMEOUT_MS }, () => {
    const long = `${"x".repeat(3_000)}; rm -rf /`;
    const files = Array.from({ length: 60 }, (_, at) => added(lines(1), `f${at}`));
    const { container } = show(FILES, {}, change([added(`${lines(420)}${long}\n`), ...files]));
    expect(container.querySelectorAll("ins")).toHaveLength(421 + 60);
    expect(container.textContent).toContain(`${long}\n`);
    expect(container.querySelectorAll(".path")).toHaveLength(61);
    expect(container.textContent).not.toMatch(/more (?:lines|files|characters)/);
    expect(canAccept()).toBe(true);
  });

  it("that is not here can be declined, and no more; what comes was not seen before", () => {
    const { again, container } = show(FILES, {});
    expect([canAccept(), canDecline()]).toEqual([false, true]);
    expect(container.textContent).toContain("What would be changed is not here");
    view.leaveEnd();
    again(change([added("evil\n")]));
    expect(container.textContent).toContain("evil");
    expect(canAccept()).toBe(false);
    view.scrollToEnd();
    expect(canAccept()).toBe(true);
    view.leaveEnd();
    again(change([added("worse\n")]));
    expect(canAccept()).toBe(false);
  });

  it("of 300 KiB can be declined until all of it was read", { timeout: LARGE_TIMEOUT_MS }, async () => {
    const payload = JSON.stringify({ params: { item: { type: "fileChange", changes: [added("y".repeat(99).concat("\n").repeat(3_072))] } } });
    expect(payload.length).toBeGreaterThan(300 * 1_024);
    const stub = change(undefined, { payloadTruncated: true, payloadJson: JSON.stringify({ type: "fileChange", id: "m", $payload: { units: payload.length } }) });
    const asked: unknown[] = [];
    const half = payload.length / 2;
    const readers: Readers = {
      text: () => Promise.resolve(null),
      payload: ({ turnId, messageId }, cursor) => {
        asked.push([turnId, messageId, cursor]);
        return Promise.resolve(cursor === null ? { text: payload.slice(0, half), continueCursor: "2", isDone: false, status: "streaming" } : { text: payload.slice(half), continueCursor: "", isDone: true, status: "streaming" });
      },
    };
    const { container, again } = show(FILES, {}, stub, readers);
    expect([canAccept(), canDecline()]).toEqual([false, true]);
    fireEvent.click(screen.getByText("Read all of it"));
    await waitFor(() => expect(canAccept()).toBe(true), { timeout: LARGE_TIMEOUT_MS });
    expect(container.querySelectorAll("ins")).toHaveLength(3_072);
    expect(asked).toEqual([["t", "m", null], ["t", "m", "2"]]);
    // Another one under the same stub.
    again({ ...stub, updatedAt: 9 });
    expect(canAccept()).toBe(false);
    expect(container.querySelectorAll("ins")).toHaveLength(0);
  });

  it("of an item that is used again is looked for among earlier messages, where there are some", async () => {
    const payload = JSON.stringify({ params: { item: { type: "fileChange", changes: [added("old\n")] } } });
    const readers: Readers = { text: () => Promise.resolve(null), payload: () => Promise.resolve({ text: payload, continueCursor: "", isDone: true, status: "completed" }) };
    const onMore = vi.fn();
    const card = (status: "CanLoadMore" | "Exhausted", about?: CodexUIMessage) => (
      <ReadersContext value={readers}>
        <ApprovalCard approval={approvalOf(FILES, {})} message={about} earlier={{ status, onMore }} {...calls()} />
      </ReadersContext>
    );
    const { container, rerender } = render(card("CanLoadMore"));
    fireEvent.click(screen.getByText("Read all of it"));
    fireEvent.click(await screen.findByText("Look for it among earlier messages"));
    expect(onMore).toHaveBeenCalledOnce();
    expect(canAccept()).toBe(false);
    rerender(card("CanLoadMore", change([added("new\n")], { messageId: "m#2" })));
    expect(container.textContent).toContain("new");
    expect(canAccept()).toBe(true);
    rerender(card("Exhausted"));
    expect(screen.queryByText("Look for it among earlier messages")).toBeNull();
    expect(canAccept()).toBe(false);
  });

  it("is not that of another use of its item, which has ended", async () => {
    const payload = JSON.stringify({ params: { item: { type: "fileChange", changes: [added("old\n")] } } });
    const read = (status: "completed" | "streaming"): Readers => ({
      text: () => Promise.resolve(null),
      payload: () => Promise.resolve({ text: payload, continueCursor: "", isDone: true, status }),
    });
    show(FILES, {}, undefined, read("completed"));
    fireEvent.click(screen.getByText("Read all of it"));
    await waitFor(() => expect(screen.queryByText(/Read/)).toBeNull());
    expect([canAccept(), canDecline()]).toEqual([false, true]);
    cleanup();
    show(FILES, {}, undefined, read("streaming"));
    fireEvent.click(screen.getByText("Read all of it"));
    await waitFor(() => expect(canAccept()).toBe(true));
  });

  it("of which only the beginning is read, or nothing, cannot be accepted", async () => {
    const readers = (payload: Readers["payload"]): Readers => ({ text: () => Promise.resolve(null), payload });
    show(FILES, {}, undefined, readers(() => Promise.resolve({ text: '{"changes":[]', continueCursor: "1", isDone: false, status: "streaming" })));
    fireEvent.click(screen.getByText("Read all of it"));
    await waitFor(() => expect(screen.queryByText(/Read/)).toBeNull());
    expect(canAccept()).toBe(false);
    cleanup();
    show(FILES, {}, undefined, readers(() => Promise.resolve(null)));
    fireEvent.click(screen.getByText("Read all of it"));
    await screen.findByText(/no longer there/);
    expect(canAccept()).toBe(false);
  });

  it.each<[string, unknown[], RegExp]>([
    ["lines", [added(lines(CARD_LINES_MAX + 1))], /4,001 lines are too much to be read in a card/],
    ["characters", [added("x".repeat(CARD_UNITS_MAX))], /characters are too much to be read in a card/],
    ["files", Array.from({ length: CARD_FILES_MAX + 1 }, () => added("x")), /201 files are too much to be read in a card/],
  ])("of too many %s is not drawn, says so, and can be declined", (_, changes, words) => {
    const { container } = show(FILES, {}, change(changes));
    expect(container.textContent).toMatch(words);
    expect([canAccept(), canDecline()]).toEqual([false, true]);
    expect(elementsIn(container)).toBeLessThan(40);
  });

  it("as large as a card draws has an element or two a line", { timeout: LARGE_TIMEOUT_MS }, () => {
    const { container } = show(FILES, {}, change([added("\u202e\n".repeat(CARD_LINES_MAX))]));
    expect(canAccept()).toBe(true);
    expect(container.textContent).toContain("U+202E");
    expect(elementsIn(container)).toBeLessThan(CARD_LINES_MAX + 60);
  });

  it.each([[[]], [undefined], [{}], [[null]], [[{ path: "a", kind: { type: "chmod" }, diff: "" }]], [[{ ...added("x"), path: "" }]], [[added("x"), { ...added("x"), diff: 7 }]]])(
    "that says %j cannot be shown, nor accepted",
    (changes) => {
      show(FILES, {}, change(changes));
      expect([canAccept(), canDecline()]).toEqual([false, true]);
    },
  );

  it("shows what else is said of a file, and where it goes", () => {
    const { container } = show(FILES, { grantRoot: "/etc" }, change([{ path: "a", kind: { type: "update", move_path: "b", flag: 1 }, diff: "", mode: "0777" }]));
    expect(container.textContent).toContain("a → b");
    expect(container.textContent).toContain('mode: "0777", flag: 1');
    expect(container.textContent).toContain("and may write below /etc until the session ends");
  });

  describe("of which the request itself says something", () => {
    const paths = (container: HTMLElement) => [...container.querySelectorAll(".path")].map(({ textContent }) => textContent);
    const inserted = (container: HTMLElement) => [...container.querySelectorAll("ins")].map(({ textContent }) => textContent);
    const requested = { "b.txt": { type: "add", content: "two\n" }, "a.txt": { type: "add", content: "one\n" } };

    it("is accepted where its item says the same, and shown once", () => {
      const { container } = show(FILES, { fileChanges: requested }, change([added("one\n"), added("two\n", "b.txt")]));
      expect(paths(container)).toEqual(["b.txt", "a.txt"]);
      expect(canAccept()).toBe(true);
    });

    it.each<[string, unknown[]]>([
      ["another line", [added("one\n"), added("evil\n", "b.txt")]],
      ["a file more", [added("one\n"), added("two\n", "b.txt"), added("evil\n", "c.txt")]],
      ["a file fewer", [added("one\n")]],
      ["more of a file", [added("one\n"), { ...added("two\n", "b.txt"), mode: "0777" }]],
    ])("shows both where its item says otherwise (%s), and is declined", (_, changes) => {
      const { container } = show(FILES, { fileChanges: requested }, change(changes));
      expect(inserted(container)).toEqual(["two\n", "one\n", ...(changes as { diff: string }[]).map(({ diff }) => diff)]);
      expect(screen.getByText("The change that it names says otherwise:")).toBeDefined();
      expect(screen.getByText(/do not say the same/)).toBeDefined();
      expect([canAccept(), canDecline()]).toEqual([false, true]);
    });

    it("is shown as it came where it is no change of files, beside the item's", () => {
      const { container } = show(FILES, { fileChanges: { "a.txt": { type: "chmod" } } }, change([added("one\n")]));
      expect(inserted(container)).toEqual(["one\n"]);
      expect(container.querySelector(".request-others")?.textContent).toBe('fileChanges: {"a.txt":{"type":"chmod"}}');
      expect([canAccept(), canDecline()]).toEqual([false, true]);
    });

    it("is shown where its item is not here, or says nothing, and is declined", () => {
      const { container, again } = show(FILES, { fileChanges: requested });
      expect(inserted(container)).toEqual(["two\n", "one\n"]);
      expect(canAccept()).toBe(false);
      again(change([]));
      expect([inserted(container), canAccept()]).toEqual([["two\n", "one\n"], false]);
    });

    it("is too much where both together are", () => {
      const { container } = show(FILES, { fileChanges: { a: { type: "add", content: lines(CARD_LINES_MAX) } } }, change([added("x\n")]));
      expect(container.textContent).toMatch(/4,001 lines are too much to be read in a card/);
      expect(canAccept()).toBe(false);
    });
  });

  it("of a request of before is in the request itself", () => {
    const fileChanges = { "a.txt": { type: "add", content: "new\n" }, b: { type: "update", unified_diff: "@@ -1 +1 @@\n-x\n+y\n", move_path: "c" } };
    const { container } = show("applyPatchApproval", { fileChanges, grantRoot: null });
    expect([...container.querySelectorAll(".path")].map(({ textContent }) => textContent)).toEqual(["a.txt", "b → c"]);
    expect([...container.querySelectorAll("ins, del")].map(({ textContent }) => textContent)).toEqual(["new\n", "x\n", "y\n"]);
    expect(canAccept()).toBe(true);
    cleanup();
    show("applyPatchApproval", { fileChanges: {} });
    expect(canAccept()).toBe(false);
  });
});

describe("a diff that is decided on", () => {
  const update = (diff: string, kind: FileChange["kind"] = "update"): FileChange => ({ path: "a", kind, movedTo: undefined, diff });
  const texts = (given: FileChange) => wholeDiff(given).map(({ type, text }) => `${type} ${text}`);

  it("has its lines with their numbers, and what stands around them", () => {
    expect(wholeDiff(update("--- a\n+++ b\n@@ -3,3 +3,3 @@ fn\n one\n--- two\n+++ two\n\n\\ No newline at end of file\n\nMoved to: b"))).toEqual([
      { type: "hunk", text: "--- a", before: 0, after: 0 },
      { type: "hunk", text: "+++ b", before: 0, after: 0 },
      { type: "hunk", text: "@@ -3,3 +3,3 @@ fn", before: 0, after: 0 },
      { type: "context", text: "one", before: 3, after: 3 },
      { type: "delete", text: "-- two", before: 4, after: 0 },
      { type: "add", text: "++ two", before: 0, after: 4 },
      { type: "context", text: "", before: 5, after: 5 },
      { type: "hunk", text: "\\ No newline at end of file", before: 0, after: 0 },
      { type: "hunk", text: "", before: 0, after: 0 },
      { type: "hunk", text: "Moved to: b", before: 0, after: 0 },
    ]);
  });

  it.each<[string, FileChange]>([
    ["a line before its hunks", update("diff a b\nrm -rf /\n@@ -1 +1 @@\n-x\n+y\n")],
    ["more lines than its headers say", update("@@ -1 +1 @@\n-x\n+y\n+rm -rf /\n rm -rf /\n")],
    ["a file that calls itself binary", update("GIT binary patch\nrm -rf /\n", "add")],
    ["a file that is no text", update("a\0b rm -rf /\n", "add")],
    ["a file that looks like a diff", update("diff a b\nrm -rf /\n@@ -1 +1 @@\n-a\n+b\n", "add")],
    ["a diff of a binary file", update("Binary files a and rm -rf / differ")],
  ])("hides nothing of %s", (_, given) => {
    const { container } = show(FILES, {}, change([{ ...given, kind: { type: given.kind } }]));
    expect(container.textContent).toContain("rm -rf /");
    // Every line of it is there, with its sign or without.
    const said = wholeDiff(given).map(({ type, text }) => (given.kind !== "update" ? "" : ({ add: "+", delete: "-", context: " ", hunk: "" } as const)[type]) + text);
    expect(said).toEqual(given.diff.replace(/\n$/, "").split("\n"));
  });

  it("of an added file is its content", () => {
    expect(texts(update("@@ -1 +1 @@\n-a\n", "add"))).toEqual(["add @@ -1 +1 @@", "add -a"]);
    expect(texts(update("", "add"))).toEqual([]);
  });

  it("is read of what is a change, and of nothing else", () => {
    expect(wholeChanges([{ path: "a", kind: "delete", diff: "x" }])).toEqual([{ change: { path: "a", kind: "delete", movedTo: undefined, diff: "x" }, others: {} }]);
    expect(wholeChanges(NONE)).toBeUndefined();
    expect(wholeChanges({ __proto__: null, a: { type: "update", content: "x" } })).toBeUndefined();
  });
});

describe("a command", () => {
  it.each([
    [{ command: "ls" }, "Codex wants to run a command", "Run it"],
    [{ kind: "command", command: "ls" }, "Codex wants to run a command", "Run it"],
    [{ kind: "humanCommand", command: "ls" }, "Codex wants a person to allow a command", "Run it"],
    [{ kind: "writeStdin", command: "y\n" }, "Codex wants to type into a command that runs", "Type it"],
    [{ kind: "command", networkApprovalContext: { host: "stray.example", protocol: "https" } }, "Codex wants to reach the network", "Allow it"],
  ])("%j is %s", (params, title, accept) => {
    show(COMMAND, params);
    expect(screen.getByRole("heading").textContent).toBe(title);
    expect(acceptButton().textContent).toBe(accept);
    expect(canAccept()).toBe(true);
  });

  it("says which host it would reach, and how, and whatever else is said", () => {
    const { container } = show(COMMAND, {
      ...{ kind: "newKind", command: "curl", cwd: "/w", reason: "because", environmentId: null, availableDecisions: ["accept"] },
      ...{ networkApprovalContext: { host: "evil\u202e.example", protocol: "socks5Tcp" }, proposedExecpolicyAmendment: ["curl"], new: { of: "\u200b" } },
    });
    expect(container.textContent).toContain("to reach evilU+202E.example by socks5Tcp, for this command:");
    expect(container.querySelector(".request-others")?.textContent).toBe('kind: "newKind"\nproposedExecpolicyAmendment: ["curl"]\nnew: {"of":"U+200B"}');
    expect(container.textContent).toContain("Codex says why: because");
  });

  it("whose host has more to it is told as it came", () => {
    const { container } = show(COMMAND, { command: "x", networkApprovalContext: { host: "h", protocol: "http", port: 22 }, cwd: 7 });
    expect(container.querySelector(".request-others")?.textContent).toBe('cwd: 7\nnetworkApprovalContext: {"host":"h","protocol":"http","port":22}');
  });

  it.each<[string, string, object]>([
    ["nothing", COMMAND, {}],
    ["an empty command", COMMAND, { command: " ", cwd: "/" }],
    ["a place alone", "execCommandApproval", { cwd: "/" }],
    ["no permissions", PERMISSIONS, { cwd: "/", permissions: {} }],
    ["nothing at all", "of/a/later/day", {}],
    ["what is nested deeper than can be written", COMMAND, { command: "ls" }],
    ["more than 256 KiB", COMMAND, { command: "é".repeat(ACCEPTABLE_BYTES_MAX / 2) }],
    ["less than Codex did, for a part was redacted", COMMAND, { command: "npm test # [redacted:pem]" }],
  ])("that says %s can be declined, and no more", (name, method, params) => {
    const approval = approvalOf(method, params);
    const nest = `{"x":${"[".repeat(50_000)}${"]".repeat(50_000)},"permissions":${"[".repeat(50_000)}${"]".repeat(50_000)},`;
    const payloadJson = name.startsWith("what is nested") ? approval.payloadJson.replace('"params":{', `"params":${nest}`) : approval.payloadJson;
    render(<ApprovalCard approval={{ ...approval, payloadJson }} message={undefined} {...calls()} />);
    expect([canAccept(), canDecline()]).toEqual([false, true]);
    expect(screen.getByText(/can only be declined/)).toBeDefined();
  });

  it("about a change of files of which a part was redacted can only be declined", () => {
    show(FILES, {}, change([added("# test fixture [redacted:pem]\n")]));
    expect([canAccept(), canDecline()]).toEqual([false, true]);
    expect(screen.getByText(/look like secrets/)).toBeDefined();
  });

  it("of words is quoted, so that one word is seen to be one", () => {
    expect(commandOf({ command: ["bash", "-lc", "rm 'a b'"] })).toBe("bash -lc 'rm '\\''a b'\\'''");
  });

  it("with further permissions, nested or not, sets them out", () => {
    const { container } = show(COMMAND, { command: "ls", additionalPermissions: { fileSystem: { write: ["/etc"] } } });
    expect(container.textContent).toContain('{"fileSystem":{"write":["/etc"]}}');
    expect(canAccept()).toBe(true);
  });
});

describe("the ways to answer", () => {
  it("are those that codex offers: to decline and stop the turn needs no look at it", () => {
    view.leaveEnd();
    const amendment = { acceptWithExecpolicyAmendment: { execpolicy_amendment: ["wc", "-l", "my notes.txt"] } };
    const { on } = show(COMMAND, { command: "wc", availableDecisions: ["accept", amendment, "cancel"] });
    fireEvent.click(screen.getByRole("button", { name: "Decline, and stop the turn" }));
    expect(on.onDecide).toHaveBeenCalledExactlyOnceWith(expect.anything(), "cancel");
    const further = screen.getByRole<HTMLButtonElement>("button", { name: /never ask again/, hidden: true });
    expect(further.textContent).toBe("Accept, and never ask again for commands that begin with: wc -l 'my notes.txt'");
    expect(further.disabled).toBe(true);
    view.scrollToEnd();
    fireEvent.click(further);
    expect(on.onDecide).toHaveBeenLastCalledWith(expect.anything(), amendment);
  });

  it("are no stop where none is offered", () => {
    show(PERMISSIONS, { permissions: { network: { enabled: true } } });
    expect(screen.queryByRole("button", { name: /stop the turn/ })).toBeNull();
  });

  it.each<[unknown, string | undefined]>([
    ["accept", undefined],
    ["decline", undefined],
    ["abort", undefined],
    [{ denied: { rejection: "declined" } }, undefined],
    ["approved_for_session", "Accept, and do not ask again in this session"],
    ["approved_mcp_policy_amendment", '"approved_mcp_policy_amendment"'],
    [{ approved_execpolicy_amendment: { proposed_execpolicy_amendment: ["a b"] } }, "Accept, and never ask again for commands that begin with: 'a b'"],
    [{ applyNetworkPolicyAmendment: { network_policy_amendment: { host: "h", action: "allow" } } }, "Accept, and never ask again whether h may be reached"],
    [{ applyNetworkPolicyAmendment: { network_policy_amendment: { host: "h", action: "deny" } } }, "Decline, and never let h be reached"],
    [{ later: { x: 1 } }, 'later: {"x":1}'],
  ])("%j says %s", (decision, words) => {
    expect(decisionWords(decision)).toBe(words);
  });
});

describe("what was decided", () => {
  it.each([
    [COMMAND, { command: "ls" }, "ls"],
    [COMMAND, { networkApprovalContext: { host: "h.example", protocol: "https" } }, "h.example by https"],
    [COMMAND, {}, COMMAND],
    [FILES, {}, "a change of files"],
    [PERMISSIONS, {}, "further permissions"],
  ])("of %s with %j was %s", (method, params, words) => {
    expect(whatOf({ method, ...readCodexServerRequest({ method, payloadJson: JSON.stringify({ params }) }) })).toBe(words);
  });
});
