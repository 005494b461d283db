/** What `npm run codegen:protocol` made, against every other list of the app-server's methods and against the binary itself. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, expectTypeOf, test } from "vitest";
import * as appServer from "../../js-wrapper/app-server/index.js";
import { APP_SERVER_VERSION, CLIENT_NOTIFICATIONS, CLIENT_REQUESTS, SERVER_NOTIFICATIONS, SERVER_REQUESTS } from "../../js-wrapper/protocol/generated/methods.js";
import type { ClientNotifications, ClientRequests, ServerNotifications, ServerRequests } from "../../js-wrapper/protocol/generated/types.js";

const ROOT = path.resolve(import.meta.dirname, "../..");
const execute = promisify(execFile);
const file = async (name: string) => await readFile(path.join(ROOT, name), "utf8");
const found = (text: string, form: RegExp) => Array.from(text.matchAll(form), ([, name = ""]) => name).sort();
const named = (list: object) => Object.keys(list).sort();

describe("the generated methods", () => {
  test("are those that the types have", () => {
    expectTypeOf<keyof typeof CLIENT_REQUESTS>().toEqualTypeOf<keyof ClientRequests>();
    expectTypeOf<keyof typeof CLIENT_NOTIFICATIONS>().toEqualTypeOf<keyof ClientNotifications>();
    expectTypeOf<keyof typeof SERVER_REQUESTS>().toEqualTypeOf<keyof ServerRequests>();
    expectTypeOf<keyof typeof SERVER_NOTIFICATIONS>().toEqualTypeOf<keyof ServerNotifications>();
  });

  test("are as many as the pinned version has, by their stability", () => {
    const count = (list: Record<string, string>, stability: string) => Object.values(list).filter((found) => found === stability).length;
    const counts = (list: Record<string, string>) => ["stable", "experimental", "undocumented"].map((stability) => count(list, stability));
    expect([CLIENT_REQUESTS, CLIENT_NOTIFICATIONS, SERVER_REQUESTS, SERVER_NOTIFICATIONS].map(counts)).toEqual([
      [109, 75, 3],
      [1, 0, 0],
      [10, 1, 0],
      [86, 0, 2],
    ]);
  });

  test("are those of the schema's list", async () => {
    const listed = JSON.parse(await file("tests/fixtures/protocol/app-server.json")) as Record<string, string[]> & { version: string };
    expect(APP_SERVER_VERSION).toBe(listed.version);
    expect(named(SERVER_REQUESTS)).toEqual(listed["serverRequests"]);
    expect(named(SERVER_NOTIFICATIONS)).toEqual([...listed["notifications"]!, ...listed["notificationsOfTypesAlone"]!].sort());
  });

  test("are those that the redaction knows", async () => {
    const listed = await file("tests/fixtures/app-server-methods.txt");
    expect(found(listed, /^request\t([^\t]+)/gm)).toEqual(named(CLIENT_REQUESTS));
    expect(found(listed, /^serverRequest\t([^\t]+)/gm)).toEqual(named(SERVER_REQUESTS));
    expect(found(listed, /^notification\t([^\t]+)/gm)).toEqual(named(SERVER_NOTIFICATIONS));
  });

  test("are those that the core shows, or does not show on purpose", async () => {
    const [notifications = "", requests = ""] = (await file("src/event/methods.rs")).split("pub const REQUESTS");
    expect([...found(notifications, /\bmethod\(\s*"([^"]+)"/g), ...found(notifications, /^ {8}\("([^"]+)", /gm)].sort()).toEqual(named(SERVER_NOTIFICATIONS));
    expect(found(requests, /^ {4}"([^"]+)",$/gm)).toEqual(named(SERVER_REQUESTS));
  });

  test("have one row each in the document", async () => {
    const [, ...sections] = (await file("docs/APP_SERVER.md")).split(/^## (?=(?:Requests|Notifications) of )/m);
    const rows = sections.map((section) => found(section, /^\| (`[^`]+` \| \w+) \|/gm));
    const expected = (list: Record<string, string>) => Object.entries(list).map(([method, stability]) => `\`${method}\` | ${stability}`).sort();
    expect(rows).toEqual([CLIENT_REQUESTS, CLIENT_NOTIFICATIONS, SERVER_REQUESTS, SERVER_NOTIFICATIONS].map(expected));
  });
});

test("the document names every builder with a method of its own, and no other", async () => {
  const listed = found(await file("docs/APP_SERVER.md"), /`(build\w+)`/g);
  const general = ["buildClientRequest", "buildServerRequestResponse", "buildServerRequestErrorResponse"];
  const builders = Object.keys(appServer).filter((name) => name.startsWith("build"));
  expect([...new Set(listed), ...general].filter((name) => !builders.includes(name))).toEqual([]);
  expect(builders.filter((name) => !general.includes(name) && !listed.includes(name))).toEqual([]);
});

describe("the types", () => {
  test("have what the wire has: no bigint, and one name for one type", async () => {
    const text = await file("js-wrapper/protocol/generated/types.ts");
    const code = text.replace(/\/\*[\s\S]*?\*\//g, "");
    expect(code.match(/\bbigint\b|\bany\b|^import\b|\/\//gm)).toBeNull();
    const names = found(text, /^export (?:type|interface) (\w+)/gm);
    expect(names.length).toBeGreaterThan(700);
    expect(new Set(names).size).toBe(names.length);
  });

  test("mark what wants experimentalApi: methods, and the members that the document lists", async () => {
    const text = await file("js-wrapper/protocol/generated/types.ts");
    const [, table = ""] = (await file("docs/APP_SERVER.md")).split("## Members that are experimental");
    const rows = Array.from(table.matchAll(/^\| `(\w+)` \| (.*) \|$/gm), ([, type = "", members = ""]) => [type, found(members, /`([^`]+)`/g)] as const);
    expect(rows.find(([type]) => type === "CommandExecParams")).toEqual(["CommandExecParams", ["permissionProfile"]]);
    for (const [type, members] of rows) {
      const [declared = ""] = new RegExp(`^export type ${type} = [\\s\\S]*?^}.*;$`, "m").exec(text) ?? [];
      expect(found(declared, /@experimental\n? *\*\/\n\s*(\w+)\??:/g), type).toEqual(members);
    }
    const methods = [CLIENT_REQUESTS, SERVER_REQUESTS].flatMap((list) => Object.values(list)).filter((stability) => stability === "experimental");
    expect(text.match(/@experimental\b/g)).toHaveLength(methods.length + rows.flatMap(([, members]) => members).length);
  });

  test("pair each method with its own params and result", () => {
    expectTypeOf<ClientRequests["account/logout"]["params"]>().toEqualTypeOf<undefined>();
    expectTypeOf<ClientRequests["account/rateLimits/read"]["params"]>().extract<undefined>().toEqualTypeOf<undefined>();
    expectTypeOf<ClientRequests["thread/read"]["result"]>().toHaveProperty("thread");
    expectTypeOf<ClientRequests["model/list"]["result"]["data"][number]>().toHaveProperty("model");
    expectTypeOf<ServerRequests["item/tool/call"]["result"]["success"]>().toEqualTypeOf<boolean>();
    expectTypeOf<ServerNotifications["item/agentMessage/delta"]["params"]["delta"]>().toEqualTypeOf<string>();
  });
});

const codexBin = process.env["CODEX_BIN"];

test.skipIf(codexBin === undefined)("the binary says what was generated (skipped without CODEX_BIN)", { timeout: 60_000 }, async () => {
  const { stdout } = await execute(process.execPath, [path.join(ROOT, "tools/codegen-protocol.mjs"), "--check"]);
  expect(stdout).toContain(`app-server ${APP_SERVER_VERSION}: 187 clientRequests`);
});
