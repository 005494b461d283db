/** What the command line says, without a process. */
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { withoutRequestId } from "../../js-wrapper/coded-error.js";
import { Context } from "../../js-wrapper/cli/context.js";
import { bridgeFunctions } from "../../js-wrapper/host/bridge-functions.js";
import { checkCodexVersion, checkNode, clockCheck, diskCheck, judge, lineOf, NEEDED, policyCheck, WANTED } from "../../js-wrapper/cli/doctor.js";
import { tellOf, tellOfProblem } from "../../js-wrapper/cli/errors.js";
import { metadata } from "../../js-wrapper/cli/outbox.js";
import { clean, oneLine, Output, table } from "../../js-wrapper/cli/output.js";
import { countOf, functionsOf, shownUrl, urlOf } from "../../js-wrapper/cli/options.js";
import { backlogOf, type BridgeView, counted, durationOf, statusLine } from "../../js-wrapper/cli/status-line.js";
import { rowOf } from "../../js-wrapper/cli/threads.js";
import { APP_SERVER_VERSION } from "../../js-wrapper/protocol/generated/methods.js";
import list from "../fixtures/protocol/app-server.json" with { type: "json" };
import manifest from "../../package.json" with { type: "json" };

const QUIET: BridgeView = { phase: "ready", thread: null, followed: 0, turnMs: null, requests: 0, backlog: 0 };

test("doctor knows every function of bridges, and no other", () => {
  const named: Record<string, unknown> = bridgeFunctions({ query: () => undefined as never, mutation: () => undefined as never }, undefined);
  // What the runtime asks of a deployment before anything else.
  const asked = ["listPendingServerRequestsForBridge"];
  expect([...NEEDED, ...WANTED.flatMap(({ names }) => names), ...asked].sort()).toEqual(Object.keys(named).sort());
});

describe("the live line", () => {
  test.each<[Partial<BridgeView>, string]>([
    [{}, "ready"],
    [{ phase: "starting", thread: "shop" }, "starting | thread shop"],
    [{ phase: "running", thread: "shop", turnMs: 65_000, requests: 1, backlog: 1 }, "running a turn for 1m 05s | thread shop | 1 request waits for an answer | 1 event to send"],
    [{ thread: "shop", followed: 2, requests: 2, backlog: 20 }, "ready | thread shop and 2 others | 2 requests wait for an answer | 20 events to send"],
  ])("%j", (view, line) => expect(statusLine({ ...QUIET, ...view })).toBe(line));

  test.each([
    [-1, "0s"],
    [59_999, "59s"],
    [60_000, "1m 00s"],
    [3_599_999, "59m 59s"],
    [3_600_000, "1h 00m"],
    [3 * 3_600_000 + 7 * 60_000, "3h 07m"],
  ])("%d ms", (ms, text) => expect(durationOf(ms)).toBe(text));

  test("counts", () => {
    expect([counted(0, "event"), counted(1, "event"), counted(2, "story", "stories")]).toEqual(["0 events", "1 event", "2 stories"]);
    expect(backlogOf([{ events: 2 }, { events: 3 }])).toBe(5);
  });
});

class Written {
  text = "";
  isTTY = false;
  columns = 20;
  write(text: string) {
    this.text += text;
  }
}

function outputs(options: { json?: boolean; quiet?: boolean; isTTY?: boolean } = {}) {
  const [stdout, stderr] = [new Written(), new Written()];
  stdout.isTTY = options.isTTY ?? false;
  return { stdout, stderr, output: new Output({ stdout, stderr, ...options, now: () => new Date(0) }) };
}

describe("the output", () => {
  test("of a thread's name no terminal takes an order", () => {
    expect(clean("a\u001b]0;evil\u0007b\u001b[31mc\u202ed\u009b2Je\r")).toBe("abcde");
    const { stdout, output } = outputs();
    output.result("a\u001b[2Jb\n\tc", {});
    expect(stdout.text).toBe("ab\n\tc\n");
  });

  test("a secret is hidden wherever it stands", () => {
    for (const json of [false, true]) {
      const { stdout, stderr, output } = outputs({ json });
      output.hide("s3cret");
      output.hide("");
      output.result("a s3cret", { s: "s3cret" });
      output.log("s3cret", { s: "s3cret" });
      output.note("s3cret", { s: "s3cret" });
      output.warn("s3cret", { s: "s3cret" });
      output.error({ code: "E_X", message: "s3cret", hint: "s3cret" });
      output.console().log("{deviceToken: 's3cret'}");
      expect(stdout.text + stderr.text).not.toContain("s3cret");
      expect(stdout.text + stderr.text).toContain("[hidden]");
    }
  });

  test("with --json there is JSON on stdout, and nothing else", () => {
    const { stdout, stderr, output } = outputs({ json: true, isTTY: true });
    output.live("never");
    output.result("words", { a: 1 });
    output.note("words");
    output.log("words", { b: 2 });
    output.error({ code: "E_X", message: "m" });
    expect(stdout.text.trim().split("\n").map((line) => JSON.parse(line) as unknown)).toEqual([{ a: 1 }, { at: "1970-01-01T00:00:00.000Z", b: 2 }, { type: "error", code: "E_X", message: "m" }]);
    expect(stderr.text).toBe("");
  });

  test("with --quiet there are results and problems only", () => {
    const { stdout, stderr, output } = outputs({ quiet: true, isTTY: true });
    output.live("never");
    output.log("never", {});
    output.note("never", {});
    output.result("result", {});
    output.log("problem", {}, true);
    output.warn("careful", {});
    output.error({ code: "E_X", message: "wrong", hint: "mend it" });
    expect(stdout.text).toBe("result\n1970-01-01T00:00:00.000Z problem\n");
    expect(stderr.text).toBe("warning: careful\nerror: wrong [E_X]\n  mend it\n");
  });

  test("the live line is as wide as the terminal, makes room for lines, and goes", () => {
    const { stdout, output } = outputs({ isTTY: true });
    const [erase, line] = ["\r\u001b[2K", "running a turn for…"];
    output.live("running a turn for 1m 05s");
    output.live("running a turn for 1m 05s");
    output.log("hello", {});
    output.live("");
    expect(line).toHaveLength(19);
    expect(stdout.text).toBe(`${erase}${line}${erase}1970-01-01T00:00:00.000Z hello\n${line}${erase}`);
    stdout.columns = 0;
    output.live("x".repeat(100));
    expect(stdout.text.endsWith(`${"x".repeat(78)}…`)).toBe(true);
  });

  test("a table", () => {
    expect(table(["A", "LONG"], [["1234", "x"], ["1", "a\nb\u001b[2J"]])).toBe("A     LONG\n1234  x\n1     a b");
    expect([oneLine(" a\n b ", 3), oneLine("abcd", 3)]).toEqual(["a b", "ab…"]);
  });
});

describe("errors", () => {
  const convexError = (code: string) => Object.assign(new Error(JSON.stringify({ code })), { data: { code, message: `[${code}] words`, retryable: false } });
  test.each([
    [convexError("E_AUTH_DEVICE_FORBIDDEN"), "E_AUTH_DEVICE_FORBIDDEN", "words"],
    [new Error("[Request ID: 1] Server Error\nUncaught Error: Could not find public function for 'chat:x'. Did you forget to run `npx convex dev`?"), "E_CLI_FUNCTION_MISSING", "the app does not export the function `chat:x`"],
    [new TypeError("fetch failed", { cause: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) }), "E_CLI_DEPLOYMENT_UNREACHABLE", "the deployment does not answer: fetch failed: connect (ECONNREFUSED)"],
    [Object.assign(new Error("`thread/resume`: no rollout found"), { code: "E_APP_SERVER_REFUSED" }), "E_APP_SERVER_REFUSED", "`thread/resume`: no rollout found"],
    [new DOMException("too late", "TimeoutError"), "E_CLI_DEPLOYMENT_UNREACHABLE", "the deployment does not answer: too late"],
    [new Error("who knows"), "E_INTERNAL", "who knows"],
    ["text", "E_INTERNAL", "text"],
  ])("%s", (thrown, code, message) => expect(tellOf(thrown)).toMatchObject({ code, message }));

  test("what Convex refused is told by its own code", () => {
    expect(tellOfProblem({ code: "E_INTERNAL", message: "x [E_QUOTA] too many" }).code).toBe("E_QUOTA");
    expect(tellOfProblem({ code: "E_OUTBOX_WRITE_FAILED", message: "full" })).toEqual({ code: "E_OUTBOX_WRITE_FAILED", message: "full" });
    expect(tellOf(new Error("x".repeat(10_000))).message).toHaveLength(600);
  });
});

test("what fails at each call in the same way says the same, without the names of the calls", () => {
  const thrown = (id: string) => `[CONVEX M(chat:beatPresence)] [Request ID: ${id}] Server Error`;
  expect(withoutRequestId(thrown("a1"))).toBe("[CONVEX M(chat:beatPresence)] Server Error");
  expect(withoutRequestId(thrown("a1"))).toBe(withoutRequestId(thrown("b2")));
});

describe("the doctor", () => {
  test("the codex is the one that the protocol's list is of", () => {
    expect(APP_SERVER_VERSION).toBe(list.version);
    expect(checkCodexVersion(`codex-cli ${APP_SERVER_VERSION}\n`).status).toBe("ok");
    expect(tellOf(Object.assign(new Error("none"), { code: "E_CODEX_NOT_FOUND" })).hint).toContain(`@openai/codex@${list.version})`);
    expect(checkCodexVersion("codex-cli 0.171.0\n")).toMatchObject({ status: "ok", message: "codex 0.171.0" });
    expect(checkCodexVersion("codex-cli 0.168.0")).toMatchObject({ status: "warn", fix: `npm install -g @openai/codex@${APP_SERVER_VERSION}` });
    expect(checkCodexVersion("").status).toBe("warn");
  });

  test("node is as package.json wants it", () => {
    expect(manifest.engines.node).toBe("^20.19.0 || ^22.13.0 || >=24");
    const found = ["18.0.0", "20.18.9", "20.19.0", "21.9.0", "22.12.0", "22.13.0", "23.5.0", "24.0.0", "25.1.0"].filter((version) => checkNode(version).status === "ok");
    expect(found).toEqual(["20.19.0", "22.13.0", "24.0.0", "25.1.0"]);
  });

  test.each([
    ["20.19.0", 0, "ran", ""],
    ["18.20.8", 1, "", "error: Node 18.20.8 is not supported [E_CLI_NODE_TOO_OLD]\n  install Node 20.19"],
  ])("every command but doctor's looks at node first: %s", async (version, exitCode, ran, words) => {
    const [stdout, stderr, { console }] = [new Written(), new Written(), globalThis];
    onTestFinished(() => void (globalThis.console = console));
    const context = new Context(0o22, stdout as never, stderr as never, version);
    let did = "";
    await context.run({}, async () => void (did = "ran"));
    expect({ exitCode: context.exitCode, ran: did }).toEqual({ exitCode, ran });
    expect(stderr.text).toContain(words);
    await context.runAnyhow({}, async () => void (did = "looked"));
    expect(did).toBe("looked");
  });

  test.each([
    [undefined, "ok"],
    [30_000, "ok"],
    [-30_000, "ok"],
    [30_001, "warn"],
    [-30_001, "warn"],
  ])("a clock %s ms ahead", (aheadMs, status) => expect(clockCheck(aheadMs).status).toBe(status));

  const MIB = 1024 * 1024;
  test.each([
    [512 * MIB, "ok"],
    [512 * MIB - 1, "warn"],
    [32 * MIB, "warn"],
    [32 * MIB - 1, "fail"],
  ])("%d bytes free", (free, status) => expect(diskCheck("/state", free).status).toBe(status));

  test("a policy is its owner's, and not where codex may write", async () => {
    // Not below a folder for temporary files, as this project may be.
    const home = await mkdtemp(path.join(homedir(), ".policy-"));
    onTestFinished(() => rm(home, { recursive: true }));
    const [project, policy] = [path.join(home, "project"), path.join(home, "state/policy.json")];
    await mkdir(project);
    expect(policyCheck(policy, project)).toMatchObject({ status: "ok", message: expect.stringContaining("the default") });
    await mkdir(path.dirname(policy));
    await writeFile(policy, "{}", { mode: 0o600 });
    expect(policyCheck(policy, project)).toEqual({ name: "policy", status: "ok", message: policy });
    for (const exposed of [home, path.dirname(policy)]) expect(policyCheck(policy, exposed)).toMatchObject({ status: "warn", message: expect.stringContaining("codex may write") });
    // By a link that codex may make another, for one that is safe.
    await symlink(path.dirname(policy), path.join(project, "link"));
    expect(policyCheck(path.join(project, "link/policy.json"), project).status).toBe("warn");
    expect(policyCheck(path.join(tmpdir(), "state/policy.json"), project).status).toBe("warn");
    await chmod(policy, 0o620);
    expect(policyCheck(policy, project)).toMatchObject({ status: "fail", message: expect.stringContaining("others may write") });
  });

  const told = { code: "E_X", message: "m" };
  test.each([
    [{ type: "ok" } as const, ["deployment ok", "component ok", "token ok"]],
    [{ type: "unreachable", told } as const, ["deployment fail"]],
    [{ type: "notConvex", told } as const, ["deployment fail"]],
    [{ type: "missing", told } as const, ["deployment ok", "component fail"]],
    [{ type: "forbidden", told } as const, ["deployment ok", "component ok", "token fail"]],
    [{ type: "refused", told } as const, ["deployment ok", "component fail"]],
  ])("%j", (answer, found) => expect(judge(answer, "chat").map(({ name, status }) => `${name} ${status}`)).toEqual(found));

  test("a line says how to mend it", () => {
    expect(lineOf({ name: "disk", status: "warn", message: "full", fix: "make room" })).toBe("warn  disk        full\n                  -> make room");
  });
});

test("of a dead letter its content is not shown, nor what of it a validator says", () => {
  const event = { eventId: "e", threadId: "t", turnId: "u", cursorStart: 0, cursorEnd: 1, kind: "item/started", payloadJson: '{"é":"private"}', createdAt: 1 };
  const shown = metadata({ seq: 0, event, code: "E_X", message: "[E_X] no such field\nObject: {private}", at: 5 });
  expect(shown).toEqual({ number: 0, at: 5, threadId: "t", turnId: "u", kind: "item/started", bytes: 16, code: "E_X", reason: "no such field" });
});

test("a thread of which codex says little is shown all the same", () => {
  expect(rowOf({ id: "1", preview: "first\nwords", cwd: "/p", updatedAt: 0 })).toEqual({ id: "1", name: "first words", cwd: "/p", updatedAt: "1970-01-01T00:00:00Z" });
  expect(rowOf({ updatedAt: 1e300 })).toEqual({ id: "", name: "", cwd: "", updatedAt: null });
});

test("addresses and numbers", () => {
  for (const url of [undefined, "", "x", "ftp://x.y", "https://a.convex.site"]) expect(() => urlOf(url === undefined ? {} : { url })).toThrow(expect.objectContaining({ code: "E_CLI_USAGE" }));
  expect(urlOf({ url: "https://a.convex.cloud//" })).toBe("https://a.convex.cloud");
  expect(shownUrl("https://user:word@a.convex.cloud/s3cret")).toBe("https://a.convex.cloud");
  for (const named of ["chat", "convex/chat.ts", "./convex/chat.js"]) expect(functionsOf(named)).toBe("chat");
  expect(functionsOf("codex/chat")).toBe("codex/chat");
  expect(countOf("1")).toBe(1);
  for (const text of ["0", "-1", "1.5", "x", ""]) expect(() => countOf(text)).toThrow();
});
