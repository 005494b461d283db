import { expect, expectTypeOf, test } from "vitest";
import * as convex from "../../js-wrapper/host/convex.js";
import * as host from "../../js-wrapper/runtime/index.js";
import type { CodexHostPersistence, CodexPersistence, CodexRuntimeError } from "../../js-wrapper/runtime/index.js";

test("what createConvexPersistence gives is what a runtime takes", () => {
  expectTypeOf<CodexPersistence>().toExtend<CodexHostPersistence>();
});

test("./host has everything of ./host/convex, and the seed's names of its own types", () => {
  expect(Object.entries(host)).toEqual(expect.arrayContaining(Object.entries(convex)));
  expectTypeOf<host.HostRuntimeHandlers>().toEqualTypeOf<host.CodexHostHandlers>();
  expectTypeOf<host.HostRuntimePersistence>().toEqualTypeOf<host.CodexHostPersistence>();
  expectTypeOf<host.HostRuntimePersistedServerRequest>().toEqualTypeOf<host.PersistedRequest>();
  expectTypeOf<host.HostRuntimeState>().toEqualTypeOf<host.CodexHostState>();
  const seeds = { actor: { tenantId: "t", userId: "u", deviceId: "d" }, sessionId: "s", ingestFlushMs: 250 };
  expectTypeOf(seeds).toExtend<host.HostRuntimeStartArgs>();
  expectTypeOf<host.CodexRuntime>().toHaveProperty("close");
  expectTypeOf<host.CodexMachine>().toEqualTypeOf<convex.CodexMachine>();
});

test("a code of the runtime's is one that is listed, and any text can be what a code is compared with", () => {
  type Codes = ConstructorParameters<typeof CodexRuntimeError>[0];
  expectTypeOf<"E_UNSUPPORTED_SERVER_REQUEST">().toExtend<Codes>();
  expectTypeOf<"E_NO_SUCH_CODE">().not.toExtend<Codes>();
  expectTypeOf<"E_QUOTA">().toExtend<CodexRuntimeError["code"]>();
});
