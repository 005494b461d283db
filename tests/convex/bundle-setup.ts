/** Pushes the example with the real CLI, once for all files: the component's tests then run in what was pushed. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CLI = path.join(ROOT, "tools/embedded-convex/cli.mjs");

declare module "vitest" {
  export interface ProvidedContext {
    /** The file with what the CLI sent. */
    pushRequest?: string;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "codex-bundle-"));
  const request = path.join(folder, "start_push.json");
  await promisify(execFile)(process.execPath, [CLI, "push", ROOT, "--request", request]);
  provide("pushRequest", request);
  return () => rm(folder, { recursive: true, force: true });
}
