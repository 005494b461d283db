// Packs this repository, once for all tests of the folder.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  export interface ProvidedContext {
    /** Path of what `npm pack` made. */
    tarball: string;
  }
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "codex-packed-"));
  await promisify(execFile)("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: ROOT });
  const [tarball] = await readdir(folder);
  if (tarball === undefined) throw new Error("npm pack made no tarball");
  provide("tarball", path.join(folder, tarball));
  return () => rm(folder, { recursive: true, force: true });
}
