// Writes convex/_generated and example/convex/_generated with the real CLI, and docs/api.json (all are kept in git). The app's
// types and the list come from dist/, so that the component is generated and built first.
import { BUILDS, isFresh } from "./freshness.mjs";
import { run } from "./run.mjs";

const CODEGEN = ["tools/embedded-convex/cli.mjs", "codegen", "."];
const STEPS = [
  ...(isFresh(BUILDS.wasm) ? [] : [["tools/build-wasm.mjs"]]),
  [...CODEGEN, "--component-dir", "./convex"],
  ["tools/build.mjs"],
  ["tools/api.mjs"],
  CODEGEN,
];

for (const args of STEPS) {
  if ((await run(process.execPath, args)) === 0) continue;
  console.error(`node ${args.join(" ")} failed`);
  process.exit(1);
}
