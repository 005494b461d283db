/** What the policy judges of paths: where they lead. */
import { mkdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { AllowedFolders, policyFilesOf, realPathOf, settingsNow, withRealPaths } from "../../js-wrapper/runtime/real-paths.js";
import { folder } from "../outbox/build.js";

/** `inside` and `outside`, and in `inside` the links `link`, which leads outside, and `loose`, which leads nowhere. */
async function place() {
  const root = await realpath(await folder());
  const at = (...names: string[]) => path.join(root, ...names);
  await mkdir(at("inside"));
  await mkdir(at("outside/deep"), { recursive: true });
  await writeFile(at("outside/secret.png"), "x");
  await symlink(at("outside"), at("inside/link"));
  await symlink(at("nowhere"), at("inside/loose"));
  return at;
}

it("follows the links of a command, and takes nothing that is not there", async () => {
  const at = await place();
  const led = (text: string) => {
    const { cwd, sandboxPolicy, input } = withRealPaths({ cwd: text, sandboxPolicy: { type: "workspaceWrite", writableRoots: [text] }, input: [{ type: "localImage", path: text }] });
    expect(sandboxPolicy).toEqual({ type: "workspaceWrite", writableRoots: [cwd] });
    expect(input).toEqual([{ type: "localImage", path: cwd }]);
    return cwd;
  };
  expect(led(at("inside"))).toBe(at("inside"));
  expect(led(at("inside/link"))).toBe(at("outside"));
  expect(led(at("inside/link/secret.png"))).toBe(at("outside/secret.png"));
  // As the system goes, and not as it is written.
  expect(led(`${at("inside/link/deep")}/..`)).toBe(at("outside"));
  for (const none of [at("inside/new"), at("inside/loose"), "inside", "", "app://x", "//host/share", "/a\0b"]) expect(led(none)).toBe("");
});

it("leaves what has no paths", () => {
  const payload = { input: [{ type: "text", text: "/x" }, 5, { path: 7 }], cwd: null, sandboxPolicy: "read-only", model: "m" };
  expect(withRealPaths(payload)).toEqual(payload);
  expect(withRealPaths({ input: "x", cwd: 5, sandboxPolicy: { writableRoots: [5] } })).toEqual({ input: "x", cwd: 5, sandboxPolicy: { writableRoots: [5] } });
});

it("follows the links of the machine's own folders, as far as they are there", async () => {
  const at = await place();
  expect(realPathOf(at("inside/link/new/more"))).toBe(at("outside/new/more"));
  expect(settingsNow({ cwd: at("inside/link"), sandboxPolicy: { type: "workspaceWrite", writableRoots: [at("inside/link/deep")] }, approvalPolicy: "never" })).toEqual({
    ...{ cwd: at("outside"), approvalPolicy: "never" },
    sandboxPolicy: { type: "workspaceWrite", writableRoots: [at("outside/deep")] },
  });
  for (const other of ["rel", "//host/share", ""]) expect(realPathOf(other)).toBe(other);
});

it("has an allowed folder be what it was at first, whatever becomes of it", async () => {
  const at = await place();
  const allowed = new AllowedFolders();
  await mkdir(at("inside/own"));
  const policy = JSON.stringify({ roots: [at("inside/own"), at("inside/link")], sandbox: { type: "workspaceWrite", writableRoots: [at("inside/own")] }, perMinute: 3 });
  const real = { roots: [at("inside/own"), at("outside")], sandbox: { type: "workspaceWrite", writableRoots: [at("inside/own")] }, perMinute: 3 };
  expect(JSON.parse(allowed.inPolicy(policy))).toEqual(real);
  await rm(at("inside/own"), { recursive: true });
  await symlink(at("outside"), at("inside/own"));
  expect(JSON.parse(allowed.inPolicy(policy))).toEqual(real);
  const started = { cwd: at("inside/own"), sandboxPolicy: "read-only", approvalPolicy: "never" };
  expect(allowed.inSettings(started)).toEqual(started);
  expect(new AllowedFolders().inSettings(started).cwd).toBe(at("outside"));
  for (const other of ["", "{", "[]", '{"roots":"x"}']) expect(allowed.inPolicy(other)).toBe(other);
});

it("names each place that decides which file a policy is", async () => {
  const at = await place();
  await mkdir(at("safe"));
  await symlink(at("safe"), at("outside/deep/state"));
  const { policy } = policyFilesOf(at("inside/link/deep/state/policy.json"));
  expect(policy).toEqual([at("inside/link/deep/state/policy.json"), at("outside/deep/state/policy.json"), at("safe/policy.json")]);
  // One that leads to itself ends.
  await symlink(at("loop"), at("loop"));
  expect(policyFilesOf(at("loop")).policy).toEqual([at("loop")]);
});
