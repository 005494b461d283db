/** Each command as a user types it: the built command line, a served app, a stand-in for codex. */
import { chmod, mkdir, readFile, readdir, realpath, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Outbox } from "../../js-wrapper/outbox/index.js";
import { OutboxStore } from "../../js-wrapper/outbox/store.js";
import { answering, api, bobsApi, cli, inProduction, inTrouble, listening, machine, type Machine, NOWHERE, type Running, start, startHost } from "./build.js";

type Host = Awaited<ReturnType<typeof startHost>>;

const RECORDING = path.join(import.meta.dirname, "../fixtures/transcripts/plain.jsonl");
const COMMANDS = ["bridge", "doctor", "threads", "import", "replay", "outbox", "outbox show", "outbox resend", "outbox drop", "outbox delete"];
const OLD = (at: number) => `019a3b5c-0000-7000-8000-0000000001${String(at).padStart(2, "0")}`;
/** The thread that the stand-in begins. */
const NEW = "019a3b5c-0000-7000-8000-000000000001";
const KEY = "sk-proj-4fTq8ZxWvYb2Lk9PnRs3Ud7a";
const OLD_TEXTS = ["old 0", "answer 0", "old 1", "answer 1"];

let host: Host;
beforeAll(async () => {
  host = await startHost();
});

/** The options of a machine that is set up. */
const settled = ({ state }: Machine, functions = "chat") => ["--state", state, "--functions", functions];
const set = () => ({ CONVEX_URL: host.url, CODEX_DEVICE_TOKEN: host.token });

describe("the command line", () => {
  test.each(COMMANDS)("%s says what it does, its exit codes, and examples", async (words) => {
    const command = words.split(" ");
    const { code, stdout, stderr } = await cli(NOWHERE, [...command, "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const part of ["Usage: convex-codex-local", "Exit codes: 0", "Examples:"]) expect(stdout).toContain(part);
  });

  test.each([
    [[], "Usage:"],
    [["nonsense"], "unknown command 'nonsense'"],
    [["doctor", "--nonsense"], "unknown option '--nonsense'"],
    [["threads", "--limit", "0"], "It must be a whole number from 1 up."],
    [["import", "foo"], "It must be codex's id of a thread, as `threads` lists them."],
    [["bridge", "--resume", "foo"], "It must be codex's id of a thread"],
    [["bridge"], "which deployment? Give --url, or set CONVEX_URL [E_CLI_USAGE]"],
    [["bridge", "--url", "foo"], "--url is not an address"],
    [["import", "--url", "https://a.convex.cloud"], "which threads?"],
    [["import", "--all", OLD(0), "--url", "https://a.convex.cloud"], "either ids of threads or --all"],
    [["outbox", "drop", "--state", "x"], "which ones?"],
    [["bridge", "--attach", "nowhere"], "It must be unix:///path/of/the.sock or ws://host:port."],
    [["bridge", "--attach", "unix:///x.sock", "--env-deny", "AWS_*"], "'--attach <address>' cannot be used with option '--env-deny <name...>'"],
    [["threads", "--env-deny", "*_TOKEN"], "It must be the name of a variable; a * stands at its end alone."],
    [["doctor", "--env-deny", "AWS_*", "GH_TOKEN=x"], "It must be the name of a variable"],
    [["replay"], "missing required argument 'file'"],
    [["replay", "x", "--speed", "-1"], "It must be a number from 0 up."],
  ])("%j is wrong: exit 2", async (args, words) => {
    const { code, stdout, stderr } = await cli(NOWHERE, args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(words);
  });

  test("without a token nothing begins, and a token file is one of the user's own", async () => {
    const on = await machine();
    const { code, stderr } = await cli(on, ["bridge", ...settled(on)], { CONVEX_URL: host.url });
    expect(code).toBe(1);
    expect(stderr).toMatch(/there is no device token.* \[E_CLI_TOKEN_MISSING\]\n {2}call issueDeviceToken/);
    const file = path.join(on.root, "token");
    const missing = await cli(on, ["bridge", ...settled(on), "--token-file", file, "--json"], { CONVEX_URL: host.url });
    expect(missing.json()).toEqual([expect.objectContaining({ type: "error", code: "E_CLI_TOKEN_MISSING" })]);
    await writeFile(file, `${host.token}\n`);
    await chmod(file, 0o644);
    const open = await cli(on, ["doctor", ...settled(on), "--token-file", file], { CONVEX_URL: host.url });
    expect(open.stderr).toBe(`warning: others than you may read the token file: chmod 600 ${file}\n`);
    await chmod(file, 0o600);
    const closed = await cli(on, ["doctor", ...settled(on), "--token-file", file], { CONVEX_URL: host.url });
    expect([open.code, closed.code, closed.stderr]).toEqual([0, 0, ""]);
  });
});

describe("doctor", () => {
  const found = async (on: Machine, { functions = "chat", env = set() }: { functions?: string; env?: Record<string, string> } = {}) => {
    const { code, json } = await cli(on, ["doctor", ...settled(on, functions), "--json"], env);
    // Whatever lies in a folder for temporary files, codex may write.
    const bad = json().filter(({ name, status }) => status !== "ok" && name !== "policy");
    for (const check of bad) expect(check).toMatchObject({ message: expect.any(String), fix: expect.any(String) });
    return { code, bad: bad.map(({ name, status }) => `${String(name)} ${String(status)}`), checks: json() };
  };

  test("finds nothing where everything is right", async () => {
    const on = await machine();
    const { code, bad, checks } = await found(on);
    expect({ code, bad }).toEqual({ code: 0, bad: [] });
    expect(checks.map(({ name }) => name)).toEqual(["node", "codex", "version", "login", "url", "deployment", "component", "token", "exports", "clock", "policy", "disk", "outbox"]);
    const { stdout } = await cli(on, ["doctor", ...settled(on)], set());
    expect(stdout).toContain("ok    version     codex 0.169.0\n");
    // It looks, and makes nothing.
    expect(await readdir(on.root)).not.toContain("state");
  });

  test.each<[string, object, { version?: string }, { functions?: string }, number, string[]]>([
    ["another codex", {}, { version: "0.1.0" }, {}, 0, ["version warn"]],
    ["nobody logged in", { loggedOut: true }, {}, {}, 1, ["login fail"]],
    ["a file that is not there", {}, {}, { functions: "nowhere" }, 1, ["component fail"]],
    ["an app that exports too little", {}, {}, { functions: "partial" }, 1, ["exports fail"]],
    ["one that does not export what is asked first", {}, {}, { functions: "reader" }, 1, ["exports fail"]],
    ["an app without remote control", {}, {}, { functions: "local" }, 0, ["exports warn"]],
  ])("finds %s", async (_name, standIn, codex, options, code, bad) => {
    expect(await found(await machine(standIn, codex), options)).toMatchObject({ code, bad });
  });

  test("names every function that is missing in one line", async () => {
    const { checks } = await found(await machine(), { functions: "reader" });
    const { message, fix } = checks.find(({ name }) => name === "exports") as { message: string; fix: string };
    for (const name of ["listPendingServerRequestsForBridge", "resolveThread", "heartbeat"]) expect(message).toContain(name);
    for (const name of ["listPendingServerRequestsForBridge", "leaseCommands", "forkThread"]) expect(fix).toContain(name);
  });

  test.each([
    ["chat", 0, [], undefined],
    ["partial", 0, ["exports warn"], /^this deployment does not say whether it has resolveThread, heartbeat, upsert[^]*, reportCommand, listOpen/],
    ["nowhere", 1, ["component fail", "exports warn"], /^this deployment does not say which functions it has$/],
  ])("knows of a production deployment what it refuses by a code, and says what is not known: %s", async (functions, code, bad, words) => {
    const on = await machine();
    const env = { CONVEX_URL: await inProduction(host.url), CODEX_DEVICE_TOKEN: host.token };
    const { checks, ...told } = await found(on, { functions, env });
    expect(told).toEqual({ code, bad });
    const { message, fix } = checks.find(({ name }) => name === "exports") as { message: string; fix?: string };
    expect(message).toMatch(words ?? /^all 16 functions of bridges$/);
    if (words !== undefined) expect(fix).toContain(`convex/${functions}.ts`);
  });

  test("a bridge that a production deployment tells nothing of its failure says where to look", async () => {
    const on = await machine();
    const env = { CONVEX_URL: await inProduction(host.url), CODEX_DEVICE_TOKEN: host.token };
    const { code, stderr } = await cli(on, ["bridge", ...settled(on, "nowhere")], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Server Error \[E_INTERNAL\]\n {2}a production deployment says no more than that: `convex-codex-local doctor` looks /);
  });

  test("tells a token that does not hold from none, and both from a deployment that is away", async () => {
    const on = await machine();
    const { token, tokenId } = await host.issue();
    await host.ann.mutation(api["revokeDeviceToken"]!, { tokenId } as never);
    const revoked = await found(on, { env: { CONVEX_URL: host.url, CODEX_DEVICE_TOKEN: token } });
    expect(revoked).toMatchObject({ code: 1, bad: ["token fail"] });
    expect(revoked.checks.find(({ name }) => name === "token")!["message"]).toContain("E_AUTH_DEVICE_FORBIDDEN");
    const none = await found(on, { env: { CONVEX_URL: host.url } });
    expect(none.checks.filter(({ name }) => name === "token")).toEqual([expect.objectContaining({ message: expect.stringContaining("E_CLI_TOKEN_MISSING") })]);
    const unread = await cli(on, ["doctor", ...settled(on), "--token-file", "/nowhere/token", "--json"], { CONVEX_URL: host.url });
    expect(unread.json().filter(({ name }) => name === "token")).toEqual([expect.objectContaining({ message: expect.stringContaining("the token file cannot be read") })]);
    expect(await found(on, { env: { CONVEX_URL: "http://127.0.0.1:9", CODEX_DEVICE_TOKEN: token } })).toMatchObject({ code: 1, bad: ["deployment fail"] });
    expect(await found(on, { env: { CONVEX_URL: await inTrouble(503), CODEX_DEVICE_TOKEN: token } })).toMatchObject({ code: 1, bad: ["deployment fail"] });
    const { code, stdout } = await cli({ ...on, codexBin: "/nowhere/codex" }, ["doctor"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/fail {2}codex .*E_CODEX_NOT_FOUND[^]*fail {2}url .*\n *-> https/);
  });
});

describe("what is named wrongly", () => {
  /** As a development server of a page answers: with the page, or with nothing. */
  const pageServer = () =>
    answering((request, response) => {
      if (request.method === "GET") response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>");
      else response.writeHead(404).end();
    });

  test("an address that is none of a deployment is told as that", async () => {
    const on = await machine();
    const env = { CONVEX_URL: await pageServer(), CODEX_DEVICE_TOKEN: host.token };
    const words = `what answers at ${env.CONVEX_URL} is not a Convex deployment (HTTP 404) [E_CLI_NOT_CONVEX]`;
    const bridge = await cli(on, ["bridge", ...settled(on)], env);
    expect(bridge).toMatchObject({ code: 1, stderr: expect.stringContaining(`error: ${words}\n  `) });
    const doctor = await cli(on, ["doctor", ...settled(on), "--json"], env);
    const bad = doctor.json().filter(({ name }) => ["deployment", "component", "token", "exports"].includes(String(name)));
    expect(bad).toEqual([{ name: "deployment", status: "fail", message: words, fix: expect.any(String) as unknown }]);
  });

  test("a state folder without an outbox is told, whatever is asked of it", async () => {
    const on = await machine();
    const file = path.join(on.root, "file");
    await writeFile(file, "");
    for (const state of [file, path.join(on.root, "nowhere"), on.home]) {
      for (const args of [["show"], ["resend", "--all"], ["drop", "1"], ["delete", "--lose"]]) {
        expect(await cli(on, ["outbox", ...args, "--state", state])).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(`there is no outbox in ${state}: no bridge has used it [E_CLI_OUTBOX_MISSING]`) });
      }
    }
    const doctor = await cli(on, ["doctor", "--state", file, "--json"], set());
    expect([doctor.code, doctor.json().at(-1)]).toEqual([1, expect.objectContaining({ name: "disk", status: "fail", message: `${file} cannot be the state folder: it is none [E_OUTBOX_UNREADABLE]` })]);
    for (const state of [file, path.join(file, "below")]) {
      expect(await cli(on, ["bridge", "--state", state], set())).toMatchObject({ code: 1, stderr: expect.stringContaining("[E_OUTBOX_UNREADABLE]") });
    }
  });

  test("a folder to work in that is not there is not blamed on codex", async () => {
    const on = await machine();
    const { code, json } = await cli(on, ["doctor", ...settled(on), "--cwd", "/nowhere", "--json"], set());
    // Whatever lies in a folder for temporary files, codex may write.
    const bad = json().filter(({ name, status }) => status !== "ok" && name !== "policy");
    expect([code, bad]).toEqual([1, [expect.objectContaining({ name: "cwd", message: expect.stringContaining("/nowhere") as unknown, fix: "name a folder that is there with --cwd" })]]);
  });

  test("a thread that codex does not have leads to those that it has", async () => {
    const { codexBin, ...on } = await machine({ refuse: "thread/resume" });
    const hint = "`convex-codex-local threads` lists the threads that codex has on this machine";
    expect(await cli({ ...on, codexBin }, ["bridge", ...settled({ ...on, codexBin }), "--resume", OLD(0)], set())).toMatchObject({ code: 1, stderr: expect.stringContaining(`[E_APP_SERVER_REFUSED]\n  ${hint}\n`) });
    const unread = await machine({ refuse: "thread/read" });
    expect(await cli(unread, ["import", OLD(0), ...settled(unread)], set())).toMatchObject({ code: 1, stderr: expect.stringContaining(`[E_APP_SERVER_REFUSED]\n  ${hint}\n`) });
  });
});

describe("threads", () => {
  test("lists them as a table and as JSON, page by page", async () => {
    const on = await machine({ threads: 60, turns: 0 });
    const table = await cli(on, ["threads", "--limit", "2"]);
    expect(table).toMatchObject({ code: 0, stderr: "there are more: --limit shows more than 2\n" });
    expect(table.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["ID", "UPDATED", "FOLDER", "NAME"],
      [OLD(0), "2026-11-18T11:06:40Z", "/projects/shop", "question 0"],
      [OLD(1), "2026-11-18T11:06:39Z", "/projects/shop", "question 1"],
      [""],
    ]);
    const all = await cli(on, ["threads", "--limit", "1000", "--json"]);
    expect(all).toMatchObject({ code: 0, stderr: "" });
    expect(all.json().map(({ name }) => name)).toEqual(Array.from({ length: 60 }, (_, at) => `question ${String(at)}`));
  });

  test("says why there are none", async () => {
    expect(await cli(await machine({ threads: 0 }), ["threads"])).toMatchObject({ code: 0, stdout: "codex has no threads on this machine\n" });
    const refused = await cli(await machine({ refuse: "thread/list" }), ["threads"]);
    expect(refused).toMatchObject({ code: 1, stdout: "", stderr: "error: `thread/list`: refused [E_APP_SERVER_REFUSED]\n" });
    const none = await cli(NOWHERE, ["threads", "--json"]);
    expect(none.code).toBe(1);
    expect(none.json()).toEqual([expect.objectContaining({ type: "error", code: "E_CODEX_NOT_FOUND", hint: expect.stringContaining("npm install -g @openai/codex") })]);
  });
});

describe("bridge", () => {
  const isReady = (bridge: Running) => expect.poll(bridge.stdout, { timeout: 30_000 }).toMatch(/ready: |"ready"/);
  const stop = async (bridge: Running) => {
    bridge.kill("SIGTERM");
    return await bridge.ended;
  };
  const threadOf = (bridge: Running) => /is (\S+)/.exec(bridge.stdout())![1]!;
  const ask = (threadId: string, text: string) =>
    host.ann.mutation(api["sendCommand"]!, { threadId, commandId: text, kind: "turn", payloadJson: JSON.stringify({ input: [{ type: "text", text }] }) } as never);

  test("what is asked from afar is done, and is in the app; the next bridge goes on in the thread", async () => {
    const on = await machine({ threads: 1 });
    const first = start(on, ["bridge", ...settled(on), "--thread", "shop", "--follow", OLD(0)], set());
    await expect.poll(first.stdout).toContain(`following ${OLD(0)}`);
    const threadId = threadOf(first);
    await ask(threadId, "Hello.");
    await expect.poll(() => host.texts(threadId)).toEqual(["Hello.", "you said: Hello."]);
    // A thread that is followed is steered as the bridge's own is.
    await ask(OLD(0), "And you?");
    await expect.poll(() => host.texts(OLD(0))).toEqual(["And you?", "you said: And you?"]);
    const { code, stdout, stderr } = await stop(first);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n").every((line) => line === "" || /^\d{4}-\d\d-\d\dT\S+Z /.test(line))).toBe(true);
    expect(stdout).toMatch(/starting codex for http:\/\/127\.0\.0\.1:\d+; [^]*turn u1\S* began[^]*turn u1\S* ended[^]*stopping[^]*stopped\n$/);

    const { codexBin } = await machine({ refuse: "thread/start" });
    const second = start({ ...on, codexBin }, ["bridge", ...settled(on), "--thread", "shop", "--json"], set());
    await isReady(second);
    const told = (await stop(second)).json();
    expect(told.map(({ type }) => type)).toEqual(["starting", "ready", "stopping", "stopped"]);
    expect(told[1]).toMatchObject({ threadId, runtimeThreadId: NEW, externalThreadId: "shop" });
  });

  test("the state folder of one user is refused to another one's token, of the bridge and of an import, and nothing is sent", async () => {
    const on = await machine({ threads: 1 });
    const anns = start(on, ["bridge", ...settled(on), "--thread", "of Ann's"], set());
    await isReady(anns);
    await stop(anns);
    const { token } = await host.issue("laptop", bobsApi);
    for (const command of [["bridge", "--thread", "of Ann's"], ["bridge", "--no-remote"], ["import", OLD(0)]]) {
      const { code, stderr } = await cli(on, [...command, ...settled(on)], { ...set(), CODEX_DEVICE_TOKEN: token });
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/another user's[^]*E_OUTBOX_OWNER_MISMATCH[^]*--state[^]*outbox delete/) as string });
    }
    const { page } = (await host.ann.query(bobsApi["listThreadsForHooks"]!, { paginationOpts: { cursor: null, numItems: 10 } } as never)) as { page: unknown[] };
    expect(page).toEqual([]);
    // A token that follows Ann's is hers.
    const renewed = start(on, ["bridge", ...settled(on), "--thread", "of Ann's"], { ...set(), CODEX_DEVICE_TOKEN: (await host.issue()).token });
    await isReady(renewed);
    await stop(renewed);
  });

  test("codex has neither the token nor the deployment, and makes files with the user's rights; the state is the user's alone", async () => {
    const before = process.umask(0o022);
    onTestFinished(() => void process.umask(before));
    const on = await machine();
    const bridge = start(on, ["bridge", ...settled(on)], set());
    await isReady(bridge);
    await stop(bridge);
    const environment = await readFile(path.join(on.root, "environment"), "utf8");
    expect(environment).toContain("HOME=");
    expect(environment).not.toMatch(/CONVEX_URL|CODEX_DEVICE_TOKEN/);
    expect((await readFile(path.join(on.root, "umask"), "utf8")).trim()).toBe("0022");
    const modes = await Promise.all(["", "outbox", "outbox/CURRENT"].map(async (name) => ((await stat(path.join(on.state, name))).mode & 0o777).toString(8)));
    expect(modes).toEqual(["700", "700", "600"]);
  });

  test("what --env-deny names reaches no codex that a command starts", async () => {
    const on = await machine({ threads: 1 });
    const env = { ...set(), AWS_SECRET_ACCESS_KEY: "a", aws_profile: "b", GITHUB_TOKEN: "c", GITHUB_USER: "kept" };
    const deny = ["--env-deny", "AWS_*", "--env-deny", "GITHUB_TOKEN"];
    const seen = async (name: string) => {
      const text = await readFile(path.join(on.root, name), "utf8");
      await rm(path.join(on.root, name));
      return text.split("\n").filter((line) => /^(?:aws|github)_/i.test(line));
    };
    for (const args of [["threads"], ["import", OLD(0), ...settled(on)], ["doctor", ...settled(on)]]) {
      expect(await cli(on, [...args, ...deny], env)).toMatchObject({ code: 0 });
      expect({ args, seen: await seen("environment") }).toEqual({ args, seen: ["GITHUB_USER=kept"] });
    }
    expect(await seen("environment.version")).toEqual(["GITHUB_USER=kept"]);
    const bridge = start(on, ["bridge", ...settled(on), ...deny], env);
    await isReady(bridge);
    await stop(bridge);
    expect(await seen("environment")).toEqual(["GITHUB_USER=kept"]);
  });

  /** What became of a command, named by its text. */
  const ends = (commandId: string, end: object) => expect.poll(() => host.ann.query(api["getCommand"]!, { commandId } as never), { timeout: 30_000 }).toMatchObject(end);
  const REFUSED = { state: "refused", code: "E_COMMAND_NOT_ALLOWED" };

  test("nothing passes that policy.json in the state folder does not let pass, read anew for each command", async () => {
    const on = await machine();
    const policy = path.join(on.state, "policy.json");
    await mkdir(on.state);
    await writeFile(policy, JSON.stringify({ kinds: ["interrupt"] }));
    const bridge = start(on, ["bridge", ...settled(on), "--thread", "guarded"], set());
    await isReady(bridge);
    const threadId = threadOf(bridge);
    await ask(threadId, "Not by its kind.");
    await ends("Not by its kind.", REFUSED);
    expect(bridge.stdout()).toContain(`refused a turn from afar, Not by its kind., in ${threadId}: the machine takes no command of this kind [E_COMMAND_NOT_ALLOWED]\n`);
    expect(bridge.stdout()).not.toContain("problem");
    // As a user's mistake leaves it: half written, or with what nobody knows. The owner is told, here and by doctor.
    for (const text of ["{", JSON.stringify({ kind: ["turn"] })]) {
      await writeFile(policy, text);
      await ask(threadId, `Not by ${text}`);
      await ends(`Not by ${text}`, REFUSED);
    }
    expect(bridge.stdout()).toContain('`kind: ["turn"]`');
    const doctor = await cli(on, ["doctor", ...settled(on), "--json"], set());
    expect(doctor.json().filter(({ status }) => status !== "ok")).toEqual([
      { name: "policy", status: "fail", message: expect.stringMatching(/policy\.json: .*`kind: \["turn"\]`.*\[E_RUNTIME_POLICY_UNREADABLE\]$/) as unknown, fix: expect.any(String) as unknown },
    ]);
    // One that is there and cannot be read, for root too.
    await rm(policy);
    await mkdir(policy);
    await ask(threadId, "Not unread.");
    await ends("Not unread.", REFUSED);
    await rm(policy, { recursive: true });
    await ask(threadId, "By the default.");
    await ends("By the default.", { state: "accepted" });
    await expect.poll(() => host.texts(threadId)).toEqual(["By the default.", "you said: By the default."]);
    expect((await stop(bridge)).code).toBe(0);
  });

  test("a policy.json that is none is told at the start, before anything is asked", async () => {
    const on = await machine();
    await mkdir(on.state);
    await writeFile(path.join(on.state, "policy.json"), JSON.stringify({ perMinute: "30" }));
    const bridge = start(on, ["bridge", ...settled(on)], set());
    await isReady(bridge);
    expect((await stop(bridge)).stdout).toMatch(/problem: .*policy\.json: it cannot have `perMinute: "30"`.* \[E_RUNTIME_POLICY_UNREADABLE\]\n/);
  });

  test("with --no-remote it is neither seen nor steered: what is asked of it waits", async () => {
    const on = await machine();
    const bridge = start(on, ["bridge", ...settled(on), "--resume", OLD(6), "--no-remote"], set());
    await isReady(bridge);
    const threadId = threadOf(bridge);
    await ask(threadId, "Alone?");
    // A bridge that is seen tells that it stops, a last time: nothing of this one is still to come.
    expect((await stop(bridge)).code).toBe(0);
    const store = await OutboxStore.open(path.join(on.state, "outbox"));
    const { runtimeId } = store;
    await store.close();
    expect(await host.ann.query(api["getPresence"]!, { threadId, runtimeId } as never)).toMatchObject({ machine: "never" });
    await ends("Alone?", { state: "queued" });
    expect(await host.texts(threadId)).toEqual([]);
  });

  test("the thread of before that codex has no more is followed by a new one; one that was named is not", async () => {
    const on = await machine();
    const first = start(on, ["bridge", ...settled(on), "--thread", "gone"], set());
    await isReady(first);
    await stop(first);
    const forgetful = await machine({ refuse: "thread/resume" });
    const next = start({ ...on, codexBin: forgetful.codexBin }, ["bridge", ...settled(on), "--thread", "gone"], set());
    await isReady(next);
    expect(next.stdout()).toMatch(/codex no longer has the thread of before \(it keeps none in which nothing was said\), and begins a new one: `thread\/resume`: refused\n[^]*ready: codex's thread /);
    expect(next.stdout()).not.toContain("problem");
    expect(threadOf(next)).toBe(threadOf(first));
    expect((await stop(next)).code).toBe(0);
    const named = await cli({ ...on, codexBin: forgetful.codexBin }, ["bridge", ...settled(on), "--resume", OLD(0)], set());
    expect(named.code).toBe(1);
    expect(named.stderr).toContain("error: `thread/resume`: refused [E_APP_SERVER_REFUSED]");
    const { codexBin } = await machine({ refuse: "thread/resume" });
    const anew = start({ ...on, codexBin }, ["bridge", ...settled(on), "--thread", "gone", "--new"], set());
    await isReady(anew);
    expect((await stop(anew)).stdout).not.toContain("problem");
  });

  test("a codex that nobody is logged in to is told at the start", async () => {
    const on = await machine({ loggedOut: true });
    const bridge = start(on, ["bridge", ...settled(on)], set());
    await isReady(bridge);
    const other = await machine();
    const loggedIn = start(other, ["bridge", ...settled(other)], set());
    await isReady(loggedIn);
    const words = "warning: codex is not logged in, so that no turn will run: codex login\n";
    await expect.poll(bridge.stderr, { timeout: 30_000 }).toContain(words);
    await stop(bridge);
    expect((await stop(loggedIn)).stderr).not.toContain(words);
  });

  test("a thread that another codex has is said to be reached by --attach; so it is, and no codex is started", async () => {
    const on = await machine();
    const busy = path.join(on.root, "busy");
    await writeFile(busy, OLD(3));
    const { codexBin } = await machine({ busy });
    const refused = await cli({ ...on, codexBin }, ["bridge", ...settled(on), "--resume", OLD(3)], set());
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/\[E_THREAD_BUSY\]\n {2}.*--attach/) });
    const { attach, heard } = await listening(on);
    const asked = (method: string) => heard.filter((message) => message.method === method).map(({ params }) => params);
    const nowhere = { ...on, codexBin: "/nowhere/codex" };
    const bridge = start(nowhere, ["bridge", ...settled(on), "--attach", attach, "--resume", OLD(3)], set());
    await isReady(bridge);
    await ask(OLD(3), "Through the socket.");
    await expect.poll(() => host.texts(OLD(3))).toEqual(["Through the socket.", "you said: Through the socket."]);
    expect(await stop(bridge)).toMatchObject({ code: 0, stdout: expect.stringContaining(`attaching to codex at ${attach} for `) });
    // The folder of a thread that it has is the thread's; a new one is of the bridge's folder, not of that codex's.
    expect(asked("thread/resume")).toEqual([{ threadId: OLD(3), excludeTurns: true }]);
    const anew = start({ ...nowhere, cwd: on.home }, ["bridge", ...settled(on), "--attach", attach, "--cwd", "../project"], set());
    await isReady(anew);
    await stop(anew);
    expect(asked("thread/start")).toEqual([{ cwd: await realpath(on.cwd) }]);
  });

  test("a second one says that one runs, and so do the others that want its folder", async () => {
    const on = await machine();
    const bridge = start(on, ["bridge", ...settled(on)], set());
    await isReady(bridge);
    for (const args of [["bridge"], ["import", "--all"]]) {
      const { code, stderr } = await cli(on, [...args, ...settled(on)], set());
      expect({ args, code, says: /\[E_OUTBOX_LOCKED\]\n {2}a bridge \(or another command\) uses this state folder/.test(stderr) }).toEqual({ args, code: 1, says: true });
    }
    const outbox = await cli(on, ["outbox", "show", "--state", on.state, "--json"]);
    expect([outbox.code, outbox.json()[0]!["code"]]).toEqual([1, "E_OUTBOX_LOCKED"]);
    const doctor = await cli(on, ["doctor", ...settled(on)], set());
    expect([doctor.code, doctor.stdout.split("\n").filter((line) => !/^(?:ok|warn {2}policy| +->) /.test(line))]).toEqual([0, [""]]);
    expect(doctor.stdout).toContain("ok    outbox      in use: a bridge runs\n");
    await stop(bridge);
  });

  test.each([
    ["a token that does not hold", () => ({ CODEX_DEVICE_TOKEN: "cxd_none" }), [], "E_AUTH_DEVICE_FORBIDDEN"],
    ["a file that is not there", () => ({}), ["--functions", "nowhere"], "E_CLI_FUNCTION_MISSING"],
    ["a folder that is not there", () => ({}), ["--cwd", "/nowhere"], "E_BRIDGE_CWD_NOT_FOUND"],
    ["no codex", () => ({ CODEX_BIN: "/nowhere/codex" }), [], "E_CODEX_NOT_FOUND"],
    ["a codex that does not listen", () => ({}), ["--attach", "unix:///nowhere/app.sock"], "E_BRIDGE_ATTACH_FAILED"],
    ["a codex that ends at once", () => ({ CODEX_BIN: "/bin/false" }), [], "E_BRIDGE_PROCESS_EXITED"],
  ])("%s: exit 1", async (_name, env, args, code) => {
    const on = await machine();
    const ended = await cli(on, ["bridge", "--state", on.state, ...args, "--json"], { ...set(), ...env() });
    expect([ended.code, ended.json().at(-1)]).toEqual([1, expect.objectContaining({ type: "error", code })]);
  });

  test("a token that is revoked ends it, and nothing of what waits is given up", async () => {
    const on = await machine();
    const { token, tokenId } = await host.issue();
    const bridge = start(on, ["bridge", ...settled(on), "--json"], { CONVEX_URL: host.url, CODEX_DEVICE_TOKEN: token });
    await isReady(bridge);
    await host.ann.mutation(api["revokeDeviceToken"]!, { tokenId } as never);
    const { code, json } = await bridge.ended;
    expect([code, json().at(-1)]).toEqual([1, expect.objectContaining({ type: "error", code: "E_AUTH_DEVICE_FORBIDDEN" })]);
    const outbox = await cli(on, ["outbox", "show", "--state", on.state, "--json"]);
    expect(outbox.json().filter(({ type }) => type === "letter")).toEqual([]);
  });

  test("Ctrl-C in a terminal, which ends codex too, is no problem, in the middle of a turn either", async () => {
    const on = await machine({ holdIn: "u1" });
    const bridge = start(on, ["bridge", ...settled(on), "--thread", "held"], set());
    await isReady(bridge);
    await ask(threadOf(bridge), "Wait.");
    await expect.poll(bridge.stdout).toContain("began");
    bridge.interrupt();
    const { code, stdout, stderr } = await bridge.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/ stopping: [^]* turn u1\S* ended\n[^]* stopped\n$/);
    expect(stdout).not.toMatch(/problem|started again/);
  });

  test("a thread that another machine takes ends it: exit 3", async () => {
    const on = await machine();
    const first = start(on, ["bridge", ...settled(on), "--thread", "taken", "--json"], set());
    await isReady(first);
    const { threadId } = first.stdout().trim().split("\n").map((line) => JSON.parse(line) as { threadId?: string }).find((told) => told.threadId !== undefined)! as { threadId: string };
    const { token: deviceToken } = await host.issue("desk");
    await host.ann.mutation(api["ensureSession"]!, { deviceToken, sessionId: "theirs", threadId } as never);
    await ask(threadId, "Whose?");
    const { code, json } = await first.ended;
    expect([code, json().at(-1)]).toEqual([3, expect.objectContaining({ type: "error", code: "E_SYNC_SESSION_DEVICE_MISMATCH" })]);
  });

  test.each([
    ["away", () => Promise.resolve("http://127.0.0.1:9")],
    ["in trouble", () => inTrouble(503)],
  ])("a deployment that is %s is waited for; a second signal stops at once", async (_name, url) => {
    const on = await machine();
    const bridge = start(on, ["bridge", ...settled(on)], { CONVEX_URL: await url(), CODEX_DEVICE_TOKEN: "cxd_none" });
    await expect.poll(bridge.stderr).toContain("what happens is kept until it does");
    bridge.kill("SIGINT");
    await expect.poll(bridge.stdout).toContain("stopping");
    bridge.kill("SIGINT");
    const { code, stderr } = await bridge.ended;
    expect(code).toBe(1);
    expect(stderr).toContain("stopped at once: what was under way is sent when it runs again [E_CLI_INTERRUPTED]");
  });

  test("a signal stops it while the deployment is asked, before there is a codex", async () => {
    const on = await machine();
    const bridge = start(on, ["bridge", ...settled(on), "--json"], { CONVEX_URL: await answering(() => undefined), CODEX_DEVICE_TOKEN: host.token });
    await expect.poll(bridge.stdout).toContain("starting");
    bridge.kill("SIGINT");
    const { code, stderr, json } = await bridge.ended;
    expect({ code, stderr, told: json().map(({ type }) => type) }).toEqual({ code: 0, stderr: "", told: ["starting", "stopped"] });
    expect(await readdir(on.root)).not.toContain("environment");
  });
});

describe("import", () => {
  test("brings all histories, and what is there is not brought again", async () => {
    const on = await machine({ threads: 3 });
    // Another test's thread: it is imported into all the same.
    const { code, stdout, stderr } = await cli(on, ["import", "--all", ...settled(on)], set());
    expect({ code, stderr }).toEqual({ code: 0, stderr: "3 threads imported\n" });
    expect(stdout).toContain(`${OLD(2)}: 2 turns, 4 items imported\n`);
    expect(await host.texts(OLD(2))).toEqual(OLD_TEXTS);
    const again = await cli(on, ["import", OLD(2), ...settled(on), "--json"], set());
    expect(again.json().at(-2)).toEqual({ type: "imported", threadId: OLD(2), inConvex: OLD(2), turns: 2, items: 4, quarantined: 0 });
    expect(await host.texts(OLD(2))).toEqual(OLD_TEXTS);
    const anew = await cli(on, ["import", OLD(2), "--restart", ...settled(on)], set());
    expect([anew.code, await host.texts(OLD(2))]).toEqual([0, OLD_TEXTS]);
  });

  test("brings a history into the bridge's thread, made again by its name where the deployment has it no more", async () => {
    for (const ids of [[OLD(0)], ["--all"]]) {
      const on = await machine({ threads: 1 });
      await cli(on, ["import", "019a3b5c-0000-7000-8000-000000000999", ...settled(on)], set());
      const store = await OutboxStore.open(path.join(on.state, "outbox"));
      const externalThreadId = `named ${ids.join("")}`;
      await store.write([{ type: "thread", thread: { threadId: OLD(0), index: 0, nextLifecycle: 0, turns: [], note: { names: { externalThreadId }, bound: { threadId: "of a deployment before" } } } }]);
      await store.close();
      const { code, stdout } = await cli(on, ["import", ...ids, ...settled(on), "--json"], set());
      expect([code, stdout]).toEqual([0, expect.stringContaining('"type":"imported"')]);
      const { inConvex } = JSON.parse(/.*"type":"imported".*/.exec(stdout)![0]) as { inConvex: string };
      const { threadId } = (await host.ann.mutation(api["resolveThread"]!, { externalThreadId, deviceToken: host.token } as never)) as { threadId: string };
      expect([threadId, await host.texts(inConvex)]).toEqual([inConvex, OLD_TEXTS]);
    }
  });

  test("brings an agent's thread under the one that began it, in whichever order, and by itself where that is not there", async () => {
    const on = await machine({ threads: 9, oldAgent: 7 });
    const both = await cli(on, ["import", OLD(7), OLD(8), ...settled(on)], set());
    expect([both.code, both.stderr]).toEqual([0, "2 threads imported\n"]);
    const listed = async (parentThreadId: string | null) => {
      const args = { parentThreadId, paginationOpts: { cursor: null, numItems: 100 } };
      const { page } = (await host.ann.query(api["listThreadsForHooks"]!, args as never)) as { page: { threadId: string }[] };
      return page.map(({ threadId }) => threadId);
    };
    expect([await listed(OLD(8)), (await listed(null)).includes(OLD(7))]).toEqual([[OLD(7)], false]);
    const alone = await machine({ threads: 10, oldAgent: 9 });
    const { code, stdout, stderr } = await cli(alone, ["import", OLD(9), ...settled(alone)], set());
    expect([code, stdout]).toEqual([0, `${OLD(9)}: 2 turns, 4 items imported\n`]);
    expect(stderr).toMatch(new RegExp(`${OLD(9)} is not under the thread whose agent it is, \\S+: .* \\[E_AUTH_THREAD_FORBIDDEN\\]`));
    expect(await listed(null)).toContain(OLD(9));
  });

  test("an older codex is asked for the thread whole", async () => {
    const on = await machine({ threads: 5, refuse: "thread/turns/list" });
    expect(await cli(on, ["import", OLD(4), ...settled(on)], set())).toMatchObject({ code: 0, stdout: `${OLD(4)}: 2 turns, 4 items imported\n` });
    expect(await host.texts(OLD(4))).toEqual(OLD_TEXTS);
  });

  test.each([[15, undefined], [16, "thread/turns/list"]])("brings no secret that a history says: thread %i, which refuses %s", async (at, refuse) => {
    const on = await machine({ threads: 17, oldKey: KEY, refuse });
    const [threadId, texts] = [OLD(at), [...OLD_TEXTS.slice(0, 3), "The key is [redacted:key]."]];
    for (const restart of [[], ["--restart"]]) {
      expect(await cli(on, ["import", threadId, ...restart, ...settled(on)], set())).toMatchObject({ code: 0, stdout: `${threadId}: 2 turns, 4 items imported\n` });
      expect(await host.texts(threadId)).toEqual(texts);
    }
    expect(await host.ann.query(api["listTurns"]!, { threadId } as never)).toMatchObject([{ error: "no such key: [redacted:key]" }, { status: "completed" }]);
  });

  test("stopped in the middle, the same command goes on", async () => {
    const on = await machine({ threads: 6, turns: 200 });
    const first = start(on, ["import", OLD(5), ...settled(on), "--json"], set());
    await expect.poll(first.stdout, { interval: 5 }).toContain("progress");
    first.kill("SIGINT");
    const { code, json } = await first.ended;
    expect([code, json().at(-1)]).toEqual([1, expect.objectContaining({ type: "error", code: "E_CLI_INTERRUPTED" })]);
    const reached = json().filter(({ type }) => type === "progress").at(-1)!["items"] as number;
    expect(reached).toBeLessThan(400);
    const second = await cli(on, ["import", OLD(5), ...settled(on), "--json"], set());
    expect(second.code).toBe(0);
    expect(second.json()[0]!["items"]).toBeGreaterThan(reached);
    expect(second.json().at(-2)).toMatchObject({ type: "imported", items: 400, quarantined: 0 });
  });

  test.each([[["--all"]], [[OLD(13)]]])("Ctrl-C in a terminal, which ends codex too, is told as what it is: %j", async (which) => {
    const on = await machine();
    const silentAt = path.join(on.root, "asked");
    const { codexBin } = await machine({ threads: 14, silentAt });
    const run = start({ ...on, codexBin }, ["import", ...which, ...settled(on)], set());
    await expect.poll(() => readdir(on.root)).toContain("asked");
    run.interrupt();
    expect(await run.ended).toMatchObject({ code: 1, stdout: "", stderr: "error: stopped before its end: what was done stays done [E_CLI_INTERRUPTED]\n  run it again: `bridge` and `import` go on where they stopped, `replay` begins anew\n" });
  });

  test("an app without the functions for it says so", async () => {
    const on = await machine({ threads: 1 });
    const { code, stderr } = await cli(on, ["import", OLD(0), ...settled(on, "local")], set());
    expect(code).toBe(1);
    expect(stderr).toContain("the app does not export the function `local:getImportStatusForBridge` [E_CLI_FUNCTION_MISSING]");
  });

  test("asks for fewer turns at once where codex says them in too long a line, and says so where one is", async () => {
    const on = await machine({ threads: 13, turns: 12, longAbove: 1 });
    const { code, json } = await cli(on, ["import", OLD(12), ...settled(on), "--json"], set());
    expect(code).toBe(0);
    expect(json().filter(({ type }) => type === "progress").map(({ turn, items }) => [turn, items])).toEqual(Array.from({ length: 12 }, (_, at) => [at + 1, 2 * (at + 1)]));
    expect(await cli(on, ["import", OLD(12), ...settled(on)], set())).toMatchObject({ code: 0, stdout: `${OLD(12)}: nothing new, 12 turns, 24 items imported\n` });
    const { codexBin } = await machine({ threads: 13, longAbove: 0 });
    expect(await cli({ ...on, codexBin }, ["import", OLD(12), ...settled(on)], set())).toMatchObject({ code: 1, stderr: expect.stringContaining("[E_BRIDGE_LINE_TOO_LONG]") });
  });

  test("leaves out with --all what another machine writes, and takes what is named", async () => {
    const on = await machine({ threads: 12 });
    const { token: deviceToken } = await host.issue("desk");
    const [threadId, sessionId] = [OLD(11), "theirs"];
    await host.ann.mutation(api["ensureThread"]!, { deviceToken, threadId } as never);
    await host.ann.mutation(api["ensureSession"]!, { deviceToken, sessionId, threadId } as never);
    const beat = () => host.ann.mutation(api["heartbeat"]!, { deviceToken, sessionId, threadId, lastEventCursor: 0 } as never);
    const { code, stderr } = await cli(on, ["import", "--all", ...settled(on)], set());
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`${threadId} is left out: .* \\[E_SYNC_SESSION_DEVICE_MISMATCH\\]\n[^]*11 threads imported, 1 left out`));
    await beat();
    expect(await cli(on, ["import", threadId, ...settled(on)], set())).toMatchObject({ code: 0, stdout: `${threadId}: 2 turns, 4 items imported\n` });
    await expect(beat()).rejects.toMatchObject({ data: { code: "E_SYNC_SESSION_DEVICE_MISMATCH" } });
  });
});

test.each([[["import", "--all"]], [["replay", RECORDING]]])("a signal stops it while the deployment is asked: %j", async (command) => {
  const on = await machine();
  let isAsked = false;
  const url = await answering(() => void (isAsked = true));
  const own = command[0] === "import" ? settled(on) : [];
  const run = start(on, [...command, ...own, "--json"], { CONVEX_URL: url, CODEX_DEVICE_TOKEN: host.token });
  await expect.poll(() => isAsked).toBe(true);
  run.kill("SIGINT");
  const { code, stderr, json } = await run.ended;
  expect({ code, stderr, told: json() }).toEqual({ code: 1, stderr: "", told: [expect.objectContaining({ type: "error", code: "E_CLI_INTERRUPTED" })] });
});

describe("replay", () => {
  const recorded = async () => {
    const lines = (await readFile(RECORDING, "utf8")).trim().split("\n").map((line) => JSON.parse(line) as { dir: string; msg: { method?: string; params?: { item?: { type: string; text?: string } } } });
    const ended = lines.filter(({ dir, msg }) => dir === "in" && msg.method === "item/completed").map(({ msg }) => msg.params!.item!);
    return ended.filter(({ type }) => type === "agentMessage").map(({ text }) => text);
  };

  test("plays a recording into the app, as another session each time", async () => {
    const on = await machine();
    const texts = await recorded();
    expect(texts.length).toBeGreaterThan(0);
    const threads = new Set<unknown>();
    for (let time = 0; time < 2; time += 1) {
      const { code, json, stderr } = await cli(on, ["replay", RECORDING, "--speed", "0", "--functions", "local", "--json"], set());
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [replayed] = json();
      expect(json()).toEqual([{ type: "replayed", threadId: expect.any(String), events: expect.any(Number), messages: expect.any(Number) }]);
      threads.add(replayed!["threadId"]);
      expect(await host.texts(replayed!["threadId"] as string)).toEqual(expect.arrayContaining(texts));
    }
    expect(threads.size).toBe(2);
    expect((await cli(on, ["replay", RECORDING, "--speed", "0", "--thread", "demo"], set())).stdout).toMatch(/^\d+ events of \d+ messages played into the thread \S+\n$/);
  });

  test("says what is no recording, and stops", async () => {
    const on = await machine();
    const file = path.join(on.root, "none.jsonl");
    for (const [text, words] of [["hello\n", "line 1 is not a line of a recording"], ['{"dir":"in","t":0,"msg":{"method":"x"}}\n', "no answer with a thread"]] as const) {
      await writeFile(file, text);
      const { code, stderr } = await cli(on, ["replay", file], set());
      expect([code, stderr]).toEqual([1, expect.stringContaining(words)]);
      expect(stderr).toContain("[E_CLI_RECORDING_INVALID]\n  a recording is a file of lines");
    }
    expect((await cli(on, ["replay", path.join(on.root, "missing"), "--json"], set())).json()[0]).toMatchObject({ code: "E_CLI_RECORDING_INVALID" });
    const away = await cli(on, ["replay", RECORDING], { ...set(), CODEX_DEVICE_TOKEN: "cxd_none" });
    expect([away.code, away.stderr]).toEqual([1, expect.stringContaining("[E_AUTH_DEVICE_FORBIDDEN]")]);
  });
});

describe("outbox", () => {
  const event = (eventId: string, payloadJson: string) => ({ eventId, threadId: OLD(7), kind: "thread/name/updated", payloadJson, cursorStart: 0, cursorEnd: 0, createdAt: Date.now() });
  /** An outbox in which an event waits and two were refused. */
  async function filled() {
    const on = await machine();
    const outbox = await Outbox.open({ folder: path.join(on.state, "outbox"), deliver: async () => ({ type: "again", reason: "away" }), onError: () => undefined });
    onTestFinished(() => outbox.close());
    outbox.append(event("w", '{"method":"thread/name/updated"}'));
    for (const id of ["a", "b"]) outbox.keepAside(event(id, `{"private":"${id}"}`), "E_QUOTA", `[E_QUOTA] too many\nObject: {"private":"${id}"}`);
    await outbox.close();
    return { on, run: (...args: string[]) => cli(on, ["outbox", ...args, "--state", on.state]) };
  }

  test("shows what waits and what was refused, and its content only where that is asked for", async () => {
    const { run } = await filled();
    const { code, stdout, stderr } = await run("show");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^1 event to send, 2 dead letters\n\nTHREAD +EVENTS +SINCE +NOT TAKEN\n\S+ +1 +20\S+Z\n\nNUMBER +REFUSED +THREAD +KIND +BYTES +WHY\n1 .*E_QUOTA: too many\n2 .*\n$/);
    expect(stdout).not.toContain("private");
    expect((await run("show", "--payload")).stdout).toContain('\n1:\n{"private":"a"}\n\n2:\n{"private":"b"}\n');
    const json = await run("show", "--json");
    expect(json.stdout).not.toContain("private");
    expect(json.json()).toEqual([
      { type: "waiting", threadId: OLD(7), events: 1, oldestEventAt: expect.any(Number) },
      expect.objectContaining({ type: "letter", number: 1, code: "E_QUOTA", reason: "too many", kind: "thread/name/updated" }),
      expect.objectContaining({ type: "letter", number: 2 }),
    ]);
  });

  test("shows why events are not taken, and so does doctor: the first line of it", async () => {
    const { on, run } = await filled();
    const store = await OutboxStore.open(path.join(on.state, "outbox"));
    const [thread] = await store.threads();
    await store.write([{ type: "thread", thread: { ...thread!, notTaken: '[E_QUOTA] no room\nObject: {"private":1}' } }]);
    await store.close();
    expect((await run("show", "--json")).json()[0]).toMatchObject({ type: "waiting", events: 1, notTaken: "[E_QUOTA] no room" });
    expect((await run("show")).stdout).toMatch(/NOT TAKEN\n\S+ +1 +20\S+Z +\[E_QUOTA\] no room\n/);
    const doctor = await cli(on, ["doctor", ...settled(on), "--json"], set());
    expect(doctor.json().at(-1)).toEqual({
      ...{ name: "outbox", status: "warn", fix: expect.stringContaining("until the deployment takes them") as unknown },
      message: `1 event to send, 2 dead letters; 1 event of ${OLD(7)} not taken: [E_QUOTA] no room`,
      notTaken: [{ threadId: OLD(7), events: 1, reason: "[E_QUOTA] no room" }],
    });
    expect((await cli(on, ["doctor", ...settled(on)], set())).stdout).toContain(`warn  outbox      1 event to send, 2 dead letters; 1 event of ${OLD(7)} not taken: [E_QUOTA] no room\n`);
  });

  test("puts dead letters back, and drops them", async () => {
    const { run } = await filled();
    expect(await run("resend", "1")).toMatchObject({ code: 0, stdout: "1 dead letter back in the queue: the next bridge sends it\n" });
    expect((await run("show", "--json")).json()).toEqual([expect.objectContaining({ events: 2 }), expect.objectContaining({ number: 2 })]);
    const missing = await run("drop", "2", "9");
    expect(missing).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("there is no dead letter 9: nothing was done [E_CLI_LETTER_NOT_FOUND]") });
    expect((await run("drop", "--all", "--json")).json()).toEqual([{ type: "dropped", numbers: [2] }]);
    expect((await run("show")).stdout).toMatch(/^2 events to send, 0 dead letters\n/);
  });

  test("is deleted where nothing is lost by it, or that is said", async () => {
    const { on, run } = await filled();
    const folder = path.join(on.state, "outbox");
    await writeFile(path.join(folder, "notes.txt"), "of somebody else");
    const refused = await run("delete");
    expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("1 event to send and 2 dead letters would be lost: nothing was deleted") });
    const running = await OutboxStore.open(folder);
    expect(await run("delete", "--lose")).toMatchObject({ code: 1, stderr: expect.stringContaining("[E_OUTBOX_LOCKED]") });
    const { runtimeId } = running;
    await running.close();
    expect((await run("show")).stdout).toMatch(/^1 event to send, 2 dead letters\n/);
    expect((await run("delete", "--lose", "--json")).json()).toEqual([{ type: "deleted", events: 1, letters: 2 }]);
    expect(await readdir(folder)).toEqual(["notes.txt"]);
    expect((await run("show")).stdout).toBe("0 events to send, 0 dead letters\n");
    const anew = await OutboxStore.open(folder);
    await anew.close();
    expect([anew.generation, anew.runtimeId === runtimeId]).toEqual([2, false]);
    expect((await run("delete")).stdout).toBe("the outbox is deleted: 0 events and 0 dead letters were lost\n");
  });

  test("of a folder that is not there it makes none", async () => {
    const on = await machine();
    for (const args of [["show"], ["resend", "0"], ["delete"]]) {
      expect(await cli(on, ["outbox", ...args], { CONVEX_URL: "https://a.convex.cloud" })).toMatchObject({ code: 1, stderr: expect.stringMatching(/there is no outbox in \S+\/\.convex-codex-local\/\w{16}: /) });
    }
    expect(await readdir(on.home)).toEqual([]);
  });
});
