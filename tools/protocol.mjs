// Writes tests/fixtures/protocol/app-server.json: the names of everything that the pinned app-server sends of itself, out of
// the binary's own schema. `CODEX_BIN=… node tools/protocol.mjs --check` fails where the two differ, and writes nothing.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ROOT } from "./cargo-tools.mjs";

const LIST = path.join(ROOT, "tests/fixtures/protocol/app-server.json");
const CHECK = "--check";

function fail(problem) {
  console.error(problem);
  process.exit(1);
}

/** The names that `read` finds in a schema of one of the binary's two generators. */
function generated(codexBin, generator, read) {
  const folder = mkdtempSync(path.join(tmpdir(), "codex-protocol-"));
  try {
    execFileSync(codexBin, ["app-server", generator, "-o", folder, "--experimental"], { stdio: ["ignore", "ignore", "inherit"] });
    return read((file) => readFileSync(path.join(folder, file), "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function literals(variants, property, what) {
  const names = (variants ?? []).map((variant) => variant.properties?.[property]?.enum?.[0]);
  if (names.length === 0 || !names.every((name) => typeof name === "string")) fail(`the schema's ${what} are not what they were: adapt tools/protocol.mjs`);
  return names.sort();
}

function protocolOf(codexBin) {
  const version = execFileSync(codexBin, ["--version"], { encoding: "utf8" }).trim().split(" ").at(-1);
  const schema = generated(codexBin, "generate-json-schema", (text) => {
    const notifications = JSON.parse(text("ServerNotification.json"));
    return {
      notifications: literals(notifications.oneOf, "method", "notifications"),
      serverRequests: literals(JSON.parse(text("ServerRequest.json")).oneOf, "method", "server requests"),
      itemTypes: literals(notifications.definitions?.ThreadItem?.oneOf, "type", "item types"),
    };
  });
  // The JSON schema leaves some out that the binary can send and its TypeScript types name.
  const typed = generated(codexBin, "generate-ts", (text) => [...text("ServerNotification.ts").matchAll(/"method": "([^"]+)"/g)].map(([, name]) => name));
  const known = new Set(schema.notifications);
  if (!schema.notifications.every((name) => typed.includes(name))) fail("the two schemas of the binary differ: adapt tools/protocol.mjs");
  return { version, ...schema, notificationsOfTypesAlone: typed.filter((name) => !known.has(name)).sort() };
}

function differences(listed, found) {
  const lines = listed.version === found.version ? [] : [`the list is of ${listed.version}, the binary is ${found.version}`];
  for (const [what, names] of Object.entries(found)) {
    if (!Array.isArray(names)) continue;
    const before = listed[what] ?? [];
    for (const name of names) if (!before.includes(name)) lines.push(`${what}: the list lacks ${name}`);
    for (const name of before) if (!names.includes(name)) lines.push(`${what}: the binary lacks ${name}`);
  }
  return lines;
}

const [flag, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (flag !== undefined && flag !== CHECK)) fail(`usage: CODEX_BIN=<the native binary> node tools/protocol.mjs [${CHECK}]`);
const codexBin = process.env.CODEX_BIN;
if (!codexBin) fail("CODEX_BIN names no app-server: set it to the native binary of @openai/codex");

const found = protocolOf(codexBin);
const count = `${found.notifications.length} and ${found.notificationsOfTypesAlone.length} notifications, ${found.serverRequests.length} server requests, ${found.itemTypes.length} item types`;
if (flag === CHECK) {
  const lines = differences(JSON.parse(readFileSync(LIST, "utf8")), found);
  if (lines.length > 0) fail(lines.join("\n"));
  console.log(`app-server ${found.version}: ${count}, as listed`);
} else {
  writeFileSync(LIST, `${JSON.stringify(found, null, 2)}\n`);
  console.log(`app-server ${found.version}: ${count}, written to ${path.relative(ROOT, LIST)}`);
}
