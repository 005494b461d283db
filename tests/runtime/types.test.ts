import { expectTypeOf, test } from "vitest";
import type { CodexHostPersistence, CodexPersistence, CodexRuntimeError } from "../../js-wrapper/runtime/index.js";

test("what createConvexPersistence gives is what a runtime takes", () => {
  expectTypeOf<CodexPersistence>().toExtend<CodexHostPersistence>();
});

test("a code of the runtime's is one that is listed, and any text can be what a code is compared with", () => {
  type Codes = ConstructorParameters<typeof CodexRuntimeError>[0];
  expectTypeOf<"E_UNSUPPORTED_SERVER_REQUEST">().toExtend<Codes>();
  expectTypeOf<"E_NO_SUCH_CODE">().not.toExtend<Codes>();
  expectTypeOf<"E_QUOTA">().toExtend<CodexRuntimeError["code"]>();
});
