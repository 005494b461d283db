/** The builders and the client against the real app-server, without a network. Skipped, and said so, without CODEX_BIN. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AppServerClient, AppServerError, buildThreadStartRequest } from "../../js-wrapper/app-server/index.js";
import { CodexLocalBridge } from "../../js-wrapper/bridge/index.js";
import { CLIENT_REQUESTS, type ServerInboundMessage } from "../../js-wrapper/protocol/index.js";

const codexBin = process.env["CODEX_BIN"];
const TIMEOUT_MS = 60_000;

/** Methods that the pinned version does not have: some are gone, one never was. */
const NONE = ["no/such/method", "thread/rollback", "newConversation", "skills/remote/read"];

let home: string;
let bridge: CodexLocalBridge;
let client: AppServerClient;
let told: ServerInboundMessage[];
let ended: Promise<void>;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "codex-live-"));
});
afterEach(async () => {
  await bridge.stop();
  await rm(home, { recursive: true, force: true });
});

function start(initialize: boolean): void {
  told = [];
  client = new AppServerClient((message) => bridge.send(message));
  let end: () => void = () => undefined;
  ended = new Promise((resolve) => {
    end = resolve;
  });
  const config = { codexBin: codexBin!, cwd: home, env: { CODEX_HOME: home, HOME: home }, initialize };
  bridge = new CodexLocalBridge(config, {
    onEvent: () => undefined,
    onGlobalMessage: (message) => {
      if (!client.accept(message)) told.push(message);
    },
    onProtocolError: () => undefined,
    onProcessExit: () => {
      client.rejectAll("codex ended");
      end();
    },
  });
  bridge.start();
}

const errorOf = async (asked: Promise<unknown>): Promise<AppServerError> =>
  await asked.then(
    () => expect.fail("it was answered"),
    (error: unknown) => error as AppServerError,
  );

describe.skipIf(codexBin === undefined)("the real app-server (skipped without CODEX_BIN)", { timeout: TIMEOUT_MS }, () => {
  test("is initialized by the client, and answers what its types say", async () => {
    start(false);
    const clientInfo = { name: "live_test", title: null, version: "0.0.1" };
    const { codexHome, userAgent } = await client.request("initialize", { clientInfo, capabilities: { experimentalApi: true, requestAttestation: false } });
    client.notify("initialized");
    expect([path.basename(codexHome), userAgent.split("/")[0]]).toEqual([path.basename(home), "live_test"]);

    const [models, threads, { config }, account, modes, mcp, loaded] = await Promise.all([
      client.request("model/list", {}),
      client.request("thread/list", {}),
      client.request("config/read", { includeLayers: false }),
      client.request("account/read", {}),
      client.request("collaborationMode/list", {}),
      client.request("mcpServerStatus/list", {}),
      client.request("thread/loaded/list", {}),
    ]);
    expect(models.data.length).toBeGreaterThan(0);
    expect(typeof models.data[0]!.model).toBe("string");
    expect(threads.data).toEqual([]);
    expect(config).toHaveProperty("model");
    expect(account.account).toBeNull();
    expect(modes.data.map(({ name }) => name)).toContain("Plan");
    expect([mcp.data, loaded.data]).toEqual([[], []]);
  });

  test("starts a thread that is listed, read and named", async () => {
    start(true);
    const { params } = buildThreadStartRequest(0, { cwd: home });
    const { thread } = await client.request("thread/start", params);
    const threadId = thread.id;
    expect((await client.request("thread/loaded/list", {})).data).toEqual([threadId]);
    expect((await client.request("thread/read", { threadId, includeTurns: false })).thread.id).toBe(threadId);
    expect(await client.request("thread/name/set", { threadId, name: "Live" })).toEqual({});
    const error = await errorOf(client.request("turn/interrupt", { threadId, turnId: "none" }));
    expect(error).toMatchObject({ code: "E_APP_SERVER_REFUSED", rpc: { code: -32_600 } });
  });

  test("runs a command and streams what it prints", async () => {
    start(true);
    const command = [process.execPath, "-e", "process.stdin.once('data', (line) => { console.log('got ' + line); process.exit(3); })"];
    const exec = client.request("command/exec", { command, processId: "p1", streamStdin: true, streamStdoutStderr: true, sandboxPolicy: { type: "dangerFullAccess" } }, { timeoutMs: 30_000 });
    await client.request("command/exec/write", { processId: "p1", deltaBase64: Buffer.from("line\n").toString("base64") });
    expect((await exec).exitCode).toBe(3);
    const output = told.flatMap((message) => ("method" in message && message.method === "command/exec/outputDelta" ? [message.params as { deltaBase64: string }] : []));
    expect(Buffer.concat(output.map(({ deltaBase64 }) => Buffer.from(deltaBase64, "base64"))).toString()).toBe("got line\n\n");
  });

  test("knows every method of the list, and none that is gone", async () => {
    start(true);
    // Params that are none are refused before anything is done.
    const ask = async (method: string) => {
      const answer = await client.requestUntyped(method, false).then(
        () => "answered",
        (error: unknown) => (error instanceof AppServerError ? error.code : String(error)),
      );
      return [method, answer] as const;
    };
    await client.request("thread/loaded/list", {});
    const known = await Promise.all(Object.keys(CLIENT_REQUESTS).map(ask));
    expect(known).toHaveLength(187);
    // The bridge answers it itself.
    expect(known.filter(([, answer]) => answer !== "E_APP_SERVER_REFUSED")).toEqual([["initialize", "answered"]]);
    expect((await Promise.all(NONE.map(ask))).map(([, answer]) => answer)).toEqual(NONE.map(() => "E_UNSUPPORTED_BY_APP_SERVER"));
  });

  test("keeps experimental methods closed to whom did not ask for them", async () => {
    start(false);
    await client.request("initialize", { clientInfo: { name: "live_test", title: null, version: "0.0.1" }, capabilities: null });
    client.notify("initialized");
    const experimental = await errorOf(client.request("collaborationMode/list", {}));
    expect(experimental.code).toBe("E_APP_SERVER_REFUSED");
    expect(experimental.message).toContain("experimentalApi");
    expect((await client.request("thread/loaded/list", {})).data).toEqual([]);
  });

  test("gives up what waits when it ends", async () => {
    start(true);
    await client.request("thread/loaded/list", {});
    const sleeping = errorOf(client.request("command/exec", { command: [process.execPath, "-e", "setTimeout(() => {}, 60_000)"], sandboxPolicy: { type: "dangerFullAccess" } }));
    await client.request("thread/loaded/list", {});
    await bridge.stop();
    await ended;
    expect(await sleeping).toMatchObject({ code: "E_APP_SERVER_GONE", method: "command/exec" });
    expect(client.waiting).toBe(0);
  });
});
