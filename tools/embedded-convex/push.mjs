// Runs the app's own `convex` CLI against the stand-in deployment: bundling, component discovery and codegen are the real thing.
import { spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { startFakeDeployment } from "./fake-deployment.mjs";

// `deploy` leaves nothing behind in the app; `dev --once` writes .env.local.
const DEPLOY = ["deploy", "-y", "--typecheck", "disable", "--codegen", "disable"];
/** Nobody listens there: the CLI must not reach a provisioning service. */
const NOWHERE = "http://127.0.0.1:9";

/** Path of the `convex` CLI that the app has installed. */
export function convexBin(appDir) {
  const require = createRequire(path.join(path.resolve(appDir), "package.json"));
  // Not every version of convex exports ./package.json: look for the folder.
  for (const folder of require.resolve.paths("convex")) {
    const bin = path.join(folder, "convex/bin/main.js");
    if (fs.existsSync(bin)) return bin;
  }
  throw new Error(`no convex CLI installed for ${appDir}`);
}

export function runCli(appDir, args, deployment, { verbose = false } = {}) {
  const env = {
    ...process.env,
    CONVEX_SELF_HOSTED_URL: deployment.url,
    CONVEX_SELF_HOSTED_ADMIN_KEY: deployment.adminKey,
    CONVEX_PROVISION_HOST: NOWHERE,
    CI: "",
    NO_COLOR: "1",
  };
  for (const name of ["CONVEX_DEPLOYMENT", "CONVEX_DEPLOY_KEY", "CONVEX_URL", "NODE_OPTIONS"]) delete env[name];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [convexBin(appDir), ...args], { cwd: appDir, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk) => {
      output += chunk;
      if (verbose) process.stderr.write(chunk);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

/**
 * Pushes an app once.
 *
 * @param {string} appDir the folder that `npx convex dev` would be run from
 * @param {{verbose?: boolean, args?: string[], env?: Record<string, string>}} [options] `env` is the deployment's own environment
 * @returns {Promise<object>} the push: what the backend would have received, analyzed; `cliOutput` is what the CLI said
 */
export async function pushApp(appDir, { verbose = false, args = DEPLOY, env = {} } = {}) {
  const deployment = await startFakeDeployment({ verbose, env });
  try {
    const { code, output } = await runCli(appDir, args, deployment, { verbose });
    if (code !== 0 || deployment.pushes.length === 0) {
      throw new Error(`convex ${args.join(" ")} failed (exit ${code}):\n${output}\nunknown endpoints: ${deployment.unknown.join(", ")}`);
    }
    return { ...deployment.pushes.at(-1), env, cliOutput: output };
  } finally {
    await deployment.close();
  }
}

/**
 * Writes `_generated` of the app, or of one component folder, with the real CLI.
 *
 * @param {string} appDir
 * @param {{componentDir?: string, verbose?: boolean}} [options]
 */
export async function runCodegen(appDir, { componentDir, verbose = false } = {}) {
  const deployment = await startFakeDeployment({ verbose });
  try {
    const args = ["codegen", "--typecheck", "disable", ...(componentDir ? ["--component-dir", componentDir] : [])];
    const { code, output } = await runCli(appDir, args, deployment, { verbose });
    if (code !== 0) throw new Error(`convex ${args.join(" ")} failed (exit ${code}):\n${output}`);
    return output;
  } finally {
    await deployment.close();
  }
}
