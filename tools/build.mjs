// convex/ -> dist/component and js-wrapper/ -> dist/js-wrapper, as ESM and declarations; of both, dist/lib, which ships.
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { bundle } from "./bundle.mjs";
import { ROOT } from "./cargo-tools.mjs";
import { BUILDS, stampFile, stampOf } from "./freshness.mjs";

const TSC = path.join(ROOT, "node_modules/typescript/bin/tsc");
const EMITTED = "TSFILE: ";
const dist = path.join(ROOT, BUILDS.dist.output);

const writeStamp = stampOf(BUILDS.dist);
rmSync(stampFile(BUILDS.dist), { force: true });
const args = [TSC, "--build", "tsconfig.build.json", "--force", "--listEmittedFiles"];
const { status, stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const lines = stdout.split("\n");
if (status !== 0) {
  console.error(lines.filter((line) => !line.startsWith(EMITTED)).join("\n"));
  process.exit(1);
}

const compiled = lines.filter((line) => line.startsWith(EMITTED)).map((line) => path.resolve(ROOT, line.slice(EMITTED.length).trim()));
const emitted = new Set([...compiled, ...(await bundle())]);
// What no source makes any more is removed afterwards: others may be reading what stays.
for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  const file = path.join(entry.parentPath, entry.name);
  if (entry.isFile() && (!emitted.has(file) || file.endsWith(".tsbuildinfo"))) rmSync(file);
}
// npm marks a bin as one that can be run where it installs it, and not in the tarball.
const { bin } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
for (const file of Object.values(bin)) chmodSync(path.join(ROOT, file), 0o755);
writeStamp();
