/** `AppServerClient` over a `send` of the test's own, with a clock of its own. */
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import { AppServerClient, AppServerError, type ClientRequestResult } from "../../js-wrapper/app-server/index.js";
import type { ClientOutboundWireMessage } from "../../js-wrapper/protocol/index.js";
import { RECORDED } from "../protocol/recorded.js";

interface Sent {
  method: string;
  id: string;
  params?: unknown;
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function setUp() {
  const sent: Sent[] = [];
  const client = new AppServerClient((message: ClientOutboundWireMessage) => void sent.push(message as Sent));
  return { client, sent };
}

/** What a promise is rejected with, watched from now on. */
function refused(promise: Promise<unknown>): Promise<AppServerError> {
  return promise.then(
    () => expect.fail("it was answered"),
    (error: unknown) => error as AppServerError,
  );
}

describe("a request", () => {
  test("is sent as it is, and answered with its own result, in any order", async () => {
    const { client, sent } = setUp();
    const first = client.request("model/list", { limit: 1 });
    const second = client.request("account/logout");
    expect(sent).toEqual([
      { method: "model/list", id: expect.any(String), params: { limit: 1 } },
      { method: "account/logout", id: expect.any(String), params: undefined },
    ]);
    expect(client.waiting).toBe(2);
    expect(client.accept({ id: sent[1]!.id, result: {} })).toBe(true);
    expect(client.accept({ id: sent[0]!.id, result: { data: [], nextCursor: null } })).toBe(true);
    expect(await Promise.all([first, second])).toEqual([{ data: [], nextCursor: null }, {}]);
    expect(client.waiting).toBe(0);
  });

  test("may be answered while it is sent", async () => {
    const client: AppServerClient = new AppServerClient((message) => void client.accept({ id: (message as Sent).id, result: 7 }));
    expect(await client.requestUntyped("x")).toBe(7);
  });

  test("has the result of its method, and takes its params", async () => {
    const { client, sent } = setUp();
    const asked = client.request("thread/read", { threadId: "t" });
    expectTypeOf(asked).resolves.toEqualTypeOf<ClientRequestResult<"thread/read">>();
    client.accept({ id: sent[0]!.id, result: { thread: {} } });
    await asked;
    const typed = (of: AppServerClient) => [
      // @ts-expect-error it takes params
      of.request("thread/read"),
      // @ts-expect-error it takes none
      of.request("account/logout", {}),
      // @ts-expect-error the pinned version has no such method
      of.request("thread/rollback", { threadId: "t", numTurns: 1 }),
      of.request("account/logout", undefined, { timeoutMs: 1 }),
    ];
    expect(typed).toBeTypeOf("function");
  });

  test("of a method that the pinned version lacks is asked too", async () => {
    const { client, sent } = setUp();
    const asked = client.requestUntyped("thread/rollback", { threadId: "t", numTurns: 1 });
    expect(sent).toEqual([{ method: "thread/rollback", id: sent[0]!.id, params: { threadId: "t", numTurns: 1 } }]);
    client.accept({ id: sent[0]!.id, result: null });
    expect(await asked).toBeNull();
  });

  test("that cannot be sent is rejected with what `send` threw", async () => {
    const thrown = new Error("no process");
    const client = new AppServerClient(() => {
      throw thrown;
    });
    expect(await refused(client.request("model/list", {}))).toBe(thrown);
    expect(client.waiting).toBe(0);
    expect(() => client.notify("initialized")).toThrow(thrown);
  });
});

describe("an id", () => {
  test("is a text that no other client has, and no other request", () => {
    const clients = [setUp(), setUp()];
    for (const { client } of clients) for (let n = 0; n < 3; n += 1) client.request("model/list", {}).catch(() => undefined);
    const ids = clients.flatMap(({ sent }) => sent.map(({ id }) => id));
    expect(new Set(ids).size).toBe(6);
    for (const id of ids) expect(id).toMatch(/^client-[\da-f]{16}-\d$/);
    for (const { client } of clients) client.rejectAll("end");
  });

  test("of someone else is left to them", () => {
    const { client, sent } = setUp();
    const other = setUp();
    other.client.request("model/list", {}).catch(() => undefined);
    client.request("model/list", {}).catch(() => undefined);
    const id = sent[0]!.id;
    const theirs = [
      ...[undefined, null, "x", 7, [], {}],
      ...[{ id: 0, result: {} }, { id: null, error: { code: -32700, message: "parse" } }, { id: "1", result: {} }],
      { id: other.sent[0]!.id, result: {} },
      { id, method: "item/tool/call", params: {} },
      { method: "warning", params: {} },
    ];
    for (const message of theirs) expect(client.accept(message), JSON.stringify(message)).toBe(false);
    expect([client.waiting, other.client.waiting]).toEqual([1, 1]);
    client.rejectAll("end");
    other.client.rejectAll("end");
  });

  test("is none of those that were recorded", () => {
    const { client } = setUp();
    const taken = RECORDED.filter(({ msg }) => client.accept(msg));
    expect(taken).toEqual([]);
  });
});

describe("a request that is not answered", () => {
  test.each([
    ["model/list", undefined, 60_000],
    ["initialize", undefined, 30_000],
    ["model/list", 5, 5],
    ["initialize", 90_000, 90_000],
    ["command/exec", 3_600_000, 3_600_000],
    ["model/list", Number.NaN, 60_000],
    ["model/list", -1, 0],
    ["model/list", Number.POSITIVE_INFINITY, 2 ** 31 - 1],
  ])("`%s` with a timeout of %s is given up after %s ms", async (method, timeoutMs, ms) => {
    const { client, sent } = setUp();
    const error = refused(client.requestUntyped(method, {}, { timeoutMs }));
    if (ms > 0) vi.advanceTimersByTime(ms - 1);
    expect(client.waiting).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await error).toBeInstanceOf(AppServerError);
    expect(await error).toMatchObject({ name: "AppServerError", code: "E_APP_SERVER_TIMEOUT", method, rpc: undefined });
    expect((await error).message).toBe(`\`${method}\`: not answered within ${String(ms)} ms`);
    expect(client.waiting).toBe(0);
    // Its answer comes after all: it is this client's, and nobody waits.
    expect(client.accept({ id: sent[0]!.id, result: {} })).toBe(true);
  });

  test("is given up when the process ends; the next one can be asked", async () => {
    const { client, sent } = setUp();
    const cause = new Error("killed");
    const errors = [refused(client.request("model/list", {})), refused(client.request("account/logout"))];
    client.rejectAll(cause);
    expect(await Promise.all(errors)).toMatchObject([
      { code: "E_APP_SERVER_GONE", method: "model/list", message: "`model/list`: the app-server is gone: killed", cause },
      { code: "E_APP_SERVER_GONE", method: "account/logout", cause },
    ]);
    client.rejectAll("again");
    const next = client.request("account/logout");
    client.accept({ id: sent[2]!.id, result: {} });
    expect(await next).toEqual({});
    const last = refused(client.request("account/logout"));
    client.rejectAll("codex ended");
    expect((await last).message).toBe("`account/logout`: the app-server is gone: codex ended");
    expect(await last).not.toHaveProperty("cause");
  });

  test("may be asked again by whoever waited, at once", async () => {
    const { client } = setUp();
    const again = refused(client.request("model/list", {}).catch(() => client.request("model/list", {})));
    client.rejectAll("first");
    await Promise.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(client.waiting).toBe(1);
    client.rejectAll("second");
    expect((await again).message).toContain("second");
  });
});

describe("a request that is refused", () => {
  const answered = async (method: string, error: unknown) => {
    const { client, sent } = setUp();
    const refusal = refused(client.requestUntyped(method));
    client.accept({ id: sent[0]!.id, error });
    return await refusal;
  };

  test("keeps the app-server's code, words and data", async () => {
    const rpc = { code: -32_600, message: "active turn id is another", data: { turnId: "t" } };
    expect(await answered("turn/interrupt", rpc)).toMatchObject({
      code: "E_APP_SERVER_REFUSED",
      method: "turn/interrupt",
      message: "`turn/interrupt`: active turn id is another",
      rpc,
    });
  });

  test("repeats 2,048 characters of what was said, and keeps all of it", async () => {
    const { message, rpc } = await answered("x", { code: 1, message: "y".repeat(5_000) });
    expect(message).toBe(`\`x\`: ${"y".repeat(2_048)}`);
    expect(rpc!.message).toHaveLength(5_000);
  });

  test.each([[undefined], [null], ["no"], [{}], [{ code: "1", message: 7 }]])("with %j for an error is refused all the same", async (error) => {
    expect(await answered("x", error)).toMatchObject({ code: "E_APP_SERVER_REFUSED", rpc: { code: 0, message: "refused without a message" } });
  });

  test.each([
    ["thread/future", { code: -32_601, message: "Method not found" }, "E_UNSUPPORTED_BY_APP_SERVER"],
    ["thread/future", { code: -32_600, message: "Invalid request: unknown variant `thread/future`, expected one of `initialize`" }, "E_UNSUPPORTED_BY_APP_SERVER"],
    ["thread/start", { code: -32_600, message: "Invalid request: unknown variant `often`, expected `never`" }, "E_APP_SERVER_REFUSED"],
    ["thread/start", { code: -32_602, message: "unknown variant `thread/start`" }, "E_APP_SERVER_REFUSED"],
    ["thread/start", { code: -32_600, message: "Invalid request: unknown variant `thread/start/x`" }, "E_APP_SERVER_REFUSED"],
    ["thread/resume", { code: -32_600, message: "thread t already has an active writer" }, "E_THREAD_BUSY"],
  ])("`%s` with %j has the code %s", async (method, rpc, code) => {
    const error = await answered(method, rpc);
    expect(error).toMatchObject({ code, method, rpc });
    if (code === "E_UNSUPPORTED_BY_APP_SERVER") expect(error.message).toBe(`\`${method}\`: this app-server does not know it`);
  });

  test("as it was recorded, has the code of what happened", async () => {
    const asked = new Map<unknown, string>();
    const codes: Record<string, number> = {};
    for (const { dir, msg } of RECORDED) {
      if (msg.event === "start") asked.clear();
      if (dir === "out" && msg.method !== undefined) asked.set(msg.id, msg.method);
      if (dir !== "in" || msg.error === undefined) continue;
      const method = asked.get(msg.id)!;
      const { code, rpc } = await answered(method, msg.error);
      expect(rpc).toEqual(msg.error);
      const key = code === "E_UNSUPPORTED_BY_APP_SERVER" ? `${code} ${method}` : code;
      codes[key] = (codes[key] ?? 0) + 1;
    }
    expect(codes).toEqual({ E_APP_SERVER_REFUSED: 9, "E_UNSUPPORTED_BY_APP_SERVER thread/rollback": 1, "E_UNSUPPORTED_BY_APP_SERVER no/such/method": 1 });
  });
});

test("the docs list every code of the client, and no other", () => {
  const root = new URL("../../", import.meta.url);
  const [, listed = ""] = /^## Codes of `AppServerClient`\n([\s\S]*?)^## /m.exec(readFileSync(new URL("docs/OPERATIONS_AND_ERRORS.md", root), "utf8")) ?? [];
  const [, union = ""] = /type AppServerErrorCode =([^;]*);/.exec(readFileSync(new URL("js-wrapper/app-server/errors.ts", root), "utf8")) ?? [];
  const codes = (text: string, form: RegExp) => Array.from(text.matchAll(form), ([, code]) => code);
  expect(codes(listed, /^\| `(E_\w+)`/gm)).toEqual(codes(union, /^ {2}\| "(E_\w+)"/gm));
  expect(codes(listed, /^\| `(E_\w+)`/gm)).toHaveLength(5);
});

describe("a method that a process lacks", () => {
  const rpc = { code: -32_600, message: "Invalid request: unknown variant `thread/future`" };

  test("is told once, with the version of codex, and asked for once; the next process is asked again", async () => {
    const sent: Sent[] = [];
    const told: AppServerError[] = [];
    const client = new AppServerClient((message) => void sent.push(message as Sent), (error) => void told.push(error));
    const lacks = (at: number) => client.accept({ id: sent[at]!.id, error: rpc });
    void client.request("initialize", { clientInfo: { name: "n", title: null, version: "1" }, capabilities: null });
    client.accept({ id: sent[0]!.id, result: { userAgent: "my_app/0.150.0-alpha.1 (Debian 12.0.0; x86_64) xterm (my_app; 1.0)" } });
    const both = [1, 2].map(() => refused(client.requestUntyped("thread/future")));
    lacks(1);
    lacks(2);
    const errors = await Promise.all([...both, refused(client.requestUntyped("thread/future"))]);
    expect(sent).toHaveLength(3);
    expect(errors.map(({ code, message }) => [code, message])).toEqual(errors.map(() => ["E_UNSUPPORTED_BY_APP_SERVER", "`thread/future`: codex 0.150.0-alpha.1 does not know it"]));
    expect(told).toEqual([errors[0]]);
    void client.requestUntyped("thread/other");
    client.accept({ id: sent[3]!.id, result: {} });
    client.rejectAll("codex ended");
    const again = refused(client.requestUntyped("thread/future"));
    lacks(4);
    expect((await again).message).toBe("`thread/future`: this app-server does not know it");
    expect(told).toHaveLength(2);
  });

  test("is none where a value is refused, or codex", async () => {
    const told: AppServerError[] = [];
    const sent: Sent[] = [];
    const client = new AppServerClient((message) => void sent.push(message as Sent), (error) => void told.push(error));
    const busy = refused(client.requestUntyped("thread/resume"));
    client.accept({ id: sent[0]!.id, error: { code: -32_600, message: "thread t already has an active writer" } });
    await busy;
    void client.requestUntyped("thread/resume");
    client.accept({ id: sent[1]!.id, result: {} });
    expect([told, sent.length]).toEqual([[], 2]);
  });
});

test("a notification is sent without an id", () => {
  const { client, sent } = setUp();
  client.notify("initialized");
  expect(sent).toStrictEqual([{ method: "initialized" }]);
});
