import { ConvexError } from "convex/values";
import { readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, it } from "vitest";
import { isCodexError, parseCodexErrorCode, type CodexErrorCode } from "../../js-wrapper/host/convex.js";
import * as client from "../../js-wrapper/client/index.js";
import * as react from "../../js-wrapper/react/index.js";
import type { HostErrorCode } from "../../js-wrapper/host/codex-error.js";
import { hostError } from "../../js-wrapper/host/errors.js";
import type { Code } from "#wasm/devices";

const data = { code: "E_AUTH_THREAD_FORBIDDEN", message: "[E_AUTH_THREAD_FORBIDDEN] no such thread", retryable: false };
const { message } = data;

describe("an error", () => {
  it.each<[string, unknown, boolean, string | null]>([
    ["of the component", new ConvexError({ ...data, threadId: "t" }), true, data.code],
    ["of the host", hostError("E_SYNC_EMPTY_BATCH", "none"), true, "E_SYNC_EMPTY_BATCH"],
    ["of another copy of convex/values", Object.assign(new Error("Server Error"), { data }), true, data.code],
    ["by its data alone", data, false, data.code],
    ["whose data is still JSON", Object.assign(new Error("x"), { data: JSON.stringify(data) }), false, data.code],
    ["of the seed", new Error(message), false, data.code],
    ["of the seed, with the platform's words around it", new Error(`[CONVEX M(chat:x)] [Request ID: 12] Server Error\nUncaught Error: ${message}\n    at handler`), false, data.code],
    ["as a text", message, false, data.code],
    ["as an entry of ingestSafe", { code: "UNKNOWN", errorCode: data.code, message }, false, data.code],
    ["of the app, with a code of its own", new ConvexError({ code: "E_MINE", message: "mine", retryable: false }), false, null],
    ["of the app, of the same code and without its message", new ConvexError({ ...data, message: "mine" }), false, null],
    ["whose code is none", new ConvexError({ ...data, code: "e_x", message: "[e_x] no" }), false, null],
    ["whose code ends in the middle", new ConvexError({ ...data, code: "E_", message: "[E_] no" }), false, null],
    ["that says not whether to try again", new ConvexError({ code: data.code, message }), false, data.code],
    ["in plain words", new Error("no"), false, null],
    ["without any", undefined, false, null],
    ["that is null", null, false, null],
    ["that is a number", 7, false, null],
    ["with a message that is none", { message: 7 }, false, null],
  ])("%s", (_, error, isOurs, code) => {
    expect(isCodexError(error)).toBe(isOurs);
    expect(parseCodexErrorCode(error)).toBe(code);
  });
});

it("a caught error's code is one of the list", () => {
  const caught: unknown = new ConvexError(data);
  if (!isCodexError(caught)) return expect.fail("it is ours");
  expectTypeOf(caught.data.code).toEqualTypeOf<CodexErrorCode>();
  expectTypeOf<CodexErrorCode>().toEqualTypeOf<Code | HostErrorCode>();
  expectTypeOf<"E_AUTH_THREAD_FORBIDDEN" | "E_DEVICE_INVALID" | "E_AUTH_SIGNED_OUT">().toExtend<CodexErrorCode>();
  expectTypeOf<"E_NO_CODE">().not.toExtend<CodexErrorCode>();
});

it("every entry that apps import has both, and they are one", () => {
  for (const entry of [client, react]) {
    expect(entry.isCodexError).toBe(isCodexError);
    expect(entry.parseCodexErrorCode).toBe(parseCodexErrorCode);
  }
});

it("the docs list every code of the host, and no other", () => {
  const root = new URL("../../", import.meta.url);
  const [, listed = ""] = readFileSync(new URL("docs/OPERATIONS_AND_ERRORS.md", root), "utf8").split("## Codes of the host");
  const [, union = ""] = /type HostErrorCode =([^;]*);/.exec(readFileSync(new URL("js-wrapper/host/codex-error.ts", root), "utf8")) ?? [];
  const codes = (text: string, form: RegExp) => Array.from(text.matchAll(form), ([, code]) => code);
  expect(codes(listed, /^\| `(E_\w+)`/gm)).toEqual(codes(union, /"(E_\w+)"/g));
});
