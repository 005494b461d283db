import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, it } from "vitest";
import { isOthers, PolicyFile, type PolicyOptions } from "../../js-wrapper/runtime/policy-file.js";
import { folder } from "../outbox/build.js";

const policyOf = (options: PolicyOptions) => {
  const told: string[] = [];
  const words: string[] = [];
  const tell = ({ code, message }: { code: string; message: string }) => void (told.push(code), words.push(message));
  return { policy: new PolicyFile(options, tell), told, words };
};

it("is the default where none is named, and where the one that is named may be missing and is", async () => {
  const policyFile = path.join(await folder(), "policy.json");
  for (const options of [{}, { policyFile, policyMayBeMissing: true }]) {
    const { policy, told } = policyOf(options);
    expect([policy.read(), told]).toEqual(["{}", []]);
  }
});

it.each([
  ["is not there", false, () => Promise.resolve()],
  ["cannot be read, though it may be missing", true, (file: string) => mkdir(file)],
])("lets nothing pass where the file %s, which is told once until it can be", async (_how, policyMayBeMissing, make) => {
  const policyFile = path.join(await folder(), "policy.json");
  const { policy, told } = policyOf({ policyFile, policyMayBeMissing });
  await make(policyFile);
  expect([policy.read(), policy.read(), told]).toEqual(["", "", ["E_RUNTIME_POLICY_UNREADABLE"]]);
  await rm(policyFile, { recursive: true, force: true });
  await writeFile(policyFile, '{"kinds":[]}');
  expect(policy.read()).toBe('{"kinds":[]}');
  await rm(policyFile);
  await mkdir(policyFile);
  expect([policy.read(), told.length]).toEqual(["", 2]);
});

it("lets nothing pass where others may write the file, which is told once until they may not", async () => {
  const policyFile = path.join(await folder(), "policy.json");
  const { policy, told } = policyOf({ policyFile, policyMayBeMissing: true });
  await writeFile(policyFile, '{"kinds":[]}');
  for (const [mode, text] of [[0o644, '{"kinds":[]}'], [0o664, ""], [0o646, ""], [0o600, '{"kinds":[]}']] as const) {
    await chmod(policyFile, mode);
    expect([mode, policy.read(), policy.read()]).toEqual([mode, text, text]);
  }
  expect(told).toEqual(["E_RUNTIME_POLICY_EXPOSED"]);
});

it("takes a file of its own user's or of root, and of nobody else", () => {
  const own = process.getuid!();
  expect([own, 0, own + 1].map((uid) => isOthers({ mode: 0o600, uid }))).toEqual([false, false, true]);
});

it.each([
  ["{", "it is not JSON: "],
  ["", "it is not JSON: "],
  ["[]", "it is not an object of a policy's members"],
  ['{"kind":["turn"],"roots":["/w"]}', 'it cannot have `kind: ["turn"]` ('],
  ['{"perMinute":"30","decisions":["yes"]}', 'it cannot have `perMinute: "30"`, `decisions: ["yes"]` ('],
  ['{"roots":["relative"]}', 'it cannot have `roots: ["relative"]` ('],
])("says what is wrong with %s, once until it is something else", async (text, words) => {
  const policyFile = path.join(await folder(), "policy.json");
  const { policy, ...told } = policyOf({ policyFile });
  await writeFile(policyFile, text);
  expect([policy.read(), policy.read(), told.told]).toEqual(["", "", ["E_RUNTIME_POLICY_UNREADABLE"]]);
  expect(told.words[0]).toContain(`${policyFile}: ${words}`);
  await writeFile(policyFile, "{ ");
  policy.read();
  await writeFile(policyFile, text);
  policy.read();
  expect(told.told).toHaveLength(3);
});

it("takes every member that the documents name", async () => {
  const policyFile = path.join(await folder(), "policy.json");
  const { policy, words } = policyOf({ policyFile });
  const members = { kinds: [], roots: ["/home/ann"], sandbox: "workspace-write", approvalPolicy: "on-request", decisions: ["acceptForSession", "amendments"], perMinute: 0 };
  for (const text of ["{}", JSON.stringify(members), ...Object.entries(members).map(([name, value]) => JSON.stringify({ [name]: value }))]) {
    await writeFile(policyFile, text);
    expect(policy.read()).toBe(text);
  }
  expect(words).toEqual([]);
});
