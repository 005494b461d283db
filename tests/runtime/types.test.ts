import { expectTypeOf, test } from "vitest";
import type { CodexHostPersistence, CodexPersistence } from "../../js-wrapper/runtime/index.js";

test("what createConvexPersistence gives is what a runtime takes", () => {
  expectTypeOf<CodexPersistence>().toExtend<CodexHostPersistence>();
});
