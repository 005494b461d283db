// convex/ -> dist/component and js-wrapper/ -> dist/js-wrapper, as ESM and declarations.
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./cargo-tools.mjs";
import { BUILDS, stampOf } from "./freshness.mjs";

const TSC = path.join(ROOT, "node_modules/typescript/bin/tsc");
const dist = path.join(ROOT, BUILDS.dist.output);

const writeStamp = stampOf(BUILDS.dist);
// From nothing, so that no file of a deleted source is shipped.
rmSync(dist, { recursive: true, force: true });
try {
  execFileSync(process.execPath, [TSC, "--build", "tsconfig.build.json"], { cwd: ROOT, stdio: "inherit" });
} catch {
  process.exit(1); // tsc has said why
}
for (const file of readdirSync(dist)) if (file.endsWith(".tsbuildinfo")) rmSync(path.join(dist, file));
writeStamp();
