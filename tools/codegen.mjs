// Writes convex/_generated and example/convex/_generated (both are kept in git) with the real CLI. The app's types come
// from dist/, so that the component is generated and built first.
import { BUILDS, isFresh } from "./freshness.mjs";
import { run } from "./run.mjs";

const CODEGEN = ["tools/embedded-convex/cli.mjs", "codegen", "."];
const STEPS = [
  ...(isFresh(BUILDS.wasm) ? [] : [["tools/build-wasm.mjs"]]),
  [...CODEGEN, "--component-dir", "./convex"],
  ["tools/build.mjs"],
  CODEGEN,
];

for (const args of STEPS) {
  if ((await run(process.execPath, args)) === 0) continue;
  console.error(`node ${args.join(" ")} failed`);
  process.exit(1);
}
