// Writes the protocol of the pinned app-server out of the binary's own types: js-wrapper/protocol/generated and the tables of
// docs/APP_SERVER.md. `CODEX_BIN=… npm run codegen:protocol`; with `-- --check` it writes nothing and fails where they differ.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import ts from "typescript";
import { TABLES_END, TABLES_START, tablesOf } from "./app-server-tables.mjs";
import { ROOT } from "./cargo-tools.mjs";

const GENERATED = path.join(ROOT, "js-wrapper/protocol/generated");
const DOCUMENT = path.join(ROOT, "docs/APP_SERVER.md");
const CHECK = "--check";

/** Results that are named neither for their method nor for its params. Each name of a result is used, or this list is wrong. */
const RESULTS = {
  "account/gatewayOAuth/cancel": "GatewayOAuthCancelResponse",
  "account/logout": "LogoutAccountResponse",
  "account/securitySetup/read": "GetAccountSecuritySetupResponse",
  "account/workspaceMessages/read": "GetWorkspaceMessagesResponse",
  "accountSession/list": "AccountSessionsResponse",
  "config/batchWrite": "ConfigWriteResponse",
  "config/mcpServer/reload": "McpServerRefreshResponse",
  "config/value/write": "ConfigWriteResponse",
  "externalAgentConfig/import/readHistories": "ExternalAgentConfigImportHistoriesReadResponse",
};

function fail(problem) {
  console.error(problem);
  process.exit(1);
}

/** Runs one of the binary's generators and reads what it wrote. */
function generated(codexBin, generator, flags, read) {
  const folder = mkdtempSync(path.join(tmpdir(), "codex-protocol-"));
  try {
    execFileSync(codexBin, ["app-server", generator, "-o", folder, ...flags], { stdio: ["ignore", "ignore", "inherit"] });
    return read(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// ---- The binary's types ----

/** Every exported type of a folder of the binary's, by its module: `v2/Thread` and `Thread` are two. */
function readTypes(folder) {
  const types = new Map();
  for (const file of readdirSync(folder, { recursive: true }).sort()) {
    const module = file.split(path.sep).join("/").replace(/\.ts$/, "");
    if (!file.endsWith(".ts") || path.basename(module) === "index") continue;
    types.set(module, readType(module, readFileSync(path.join(folder, file), "utf8").replace(/^\/\/.*\n/gm, "")));
  }
  return types;
}

function readType(module, text) {
  const source = ts.createSourceFile(`${module}.ts`, text, ts.ScriptTarget.Latest, true);
  const imports = new Map();
  const declared = [];
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const from = path.posix.join(path.posix.dirname(module), statement.moduleSpecifier.text);
      for (const { name } of statement.importClause.namedBindings.elements) imports.set(name.text, from);
    } else if (ts.isTypeAliasDeclaration(statement)) {
      declared.push(statement);
    } else {
      fail(`${module} holds something else than types: adapt tools/codegen-protocol.mjs`);
    }
  }
  const [node, ...others] = declared;
  if (others.length > 0 || node?.name.text !== path.basename(module)) fail(`${module} is not the one type that it is named for`);
  return { text, source, node, imports };
}

/** Every member in a type, however deep, by the names that lead to it. */
function membersOf({ node }) {
  const members = new Map();
  const visit = (child, names) => {
    const isMember = ts.isPropertySignature(child);
    const inner = isMember ? [...names, child.name.text] : names;
    if (isMember) members.set(inner.join("."), child);
    ts.forEachChild(child, (grandchild) => visit(grandchild, inner));
  };
  visit(node.type, []);
  return members;
}

/** Marks the members that the types without `--experimental` lack. Answers with their names, by type. */
function markExperimental(types, stable) {
  const marked = {};
  for (const [module, type] of types) {
    const before = stable.get(module);
    if (before === undefined || ["ClientRequest", "ServerRequest"].includes(module)) continue;
    const known = membersOf(before);
    const added = [...membersOf(type)].filter(([name]) => !known.has(name) && !hasMarkedParent(name, known));
    if (added.length === 0) continue;
    marked[path.basename(module)] = added.map(([name]) => name);
    let { text } = type;
    for (const [, member] of added.reverse()) {
      const comment = member.jsDoc?.at(-1);
      const [at, mark] = comment === undefined ? [member.getStart(), "\n/** @experimental */\n"] : [comment.end - "*/".length, "*\n * @experimental\n "];
      text = text.slice(0, at) + mark + text.slice(at);
    }
    types.set(module, readType(module, text));
  }
  return marked;
}

/** What lies in a member that is marked need not be. */
function hasMarkedParent(name, known) {
  const names = name.split(".");
  return names.length > 1 && !known.has(names.slice(0, -1).join("."));
}

/** The modules that a type names, itself left out. */
function namedBy({ node, imports }) {
  const found = new Set();
  const visit = (child) => {
    if (ts.isTypeReferenceNode(child) && ts.isIdentifier(child.typeName) && imports.has(child.typeName.text)) found.add(imports.get(child.typeName.text));
    ts.forEachChild(child, visit);
  };
  visit(node.type);
  return found;
}

function reachable(types, roots) {
  const seen = new Set();
  const open = [...roots];
  for (let module = open.pop(); module !== undefined; module = open.pop()) {
    if (seen.has(module)) continue;
    const type = types.get(module) ?? fail(`the binary's types name ${module}, and lack it`);
    seen.add(module);
    open.push(...namedBy(type));
  }
  return [...seen];
}

/** One message of a union: `{ "method": "…", id: RequestId, params: X }`. */
function messagesOf(types, union) {
  const { node, imports } = types.get(union);
  const members = ts.isUnionTypeNode(node.type) ? node.type.types : [node.type];
  return members.map((member) => {
    const fields = new Map(member.members.map((field) => [field.name.text, field]));
    const method = fields.get("method").type.literal.text;
    const params = fields.get("params");
    const written = params?.type.getText() ?? "undefined";
    const [name, ...alternatives] = written.split(" | ");
    const module = imports.get(name);
    if (name !== "undefined" && module === undefined) fail(`${method} has params that are no type of their own: ${written}`);
    if (!alternatives.every((type) => type === "null" || type === "undefined")) fail(`${method} has params of several types: ${written}`);
    return { method, params: module, alternatives };
  });
}

const isResult = (module) => module.endsWith("Response");
const pascal = (method) => method.replace(/(?:^|[/_])(\w)/g, (_, letter) => letter.toUpperCase());

/** Adds to every request the type of its result. */
function withResults(types, requests, used) {
  return requests.map((request) => {
    const byParams = request.params?.replace(/Params$/, "Response");
    const candidates = request.method in RESULTS ? [`v2/${RESULTS[request.method]}`] : [byParams, `v2/${pascal(request.method)}Response`];
    const result = candidates.find((module) => module !== undefined && types.has(module)) ?? fail(`${request.method}: which type is its result? Adapt RESULTS`);
    used.add(result);
    return { ...request, result };
  });
}

// ---- What is made of them ----

/** A name for each module. Where two modules have types of one name, the one outside v2 is `Core…`, unless they say the same. */
function namesOf(types, modules) {
  const names = new Map();
  const taken = new Map();
  for (const module of [...modules].sort((a, b) => Number(b.startsWith("v2/")) - Number(a.startsWith("v2/")))) {
    const name = path.basename(module);
    const before = taken.get(name);
    const same = before !== undefined && types.get(before).node.type.getText() === types.get(module).node.type.getText() && namedBy(types.get(module)).size === 0;
    names.set(module, before === undefined || same ? name : `Core${name}`);
    if (before === undefined) taken.set(name, module);
  }
  for (const name of names.values()) if (name.startsWith("Core") && taken.has(name)) fail(`two types would be ${name}`);
  return names;
}

const printer = ts.createPrinter({ newLine: ts.NewLineKind.LineFeed });

/** A type as it is written here: its names are this file's, and 64-bit integers what JSON.parse makes of them. */
function print({ source, node, imports }, names, module) {
  const rewrite = (context) => (root) => {
    const visit = (child) => {
      if (child.kind === ts.SyntaxKind.BigIntKeyword) return context.factory.createKeywordTypeNode(ts.SyntaxKind.NumberKeyword);
      if (ts.isTypeReferenceNode(child) && ts.isIdentifier(child.typeName)) {
        const name = child.typeName.text;
        const own = imports.has(name) ? names.get(imports.get(name)) : name === node.name.text ? names.get(module) : name;
        if (own !== name) return context.factory.updateTypeReferenceNode(child, context.factory.createIdentifier(own), child.typeArguments);
      }
      return ts.visitEachChild(child, visit, context);
    };
    const renamed = context.factory.updateTypeAliasDeclaration(root, root.modifiers, context.factory.createIdentifier(names.get(module)), root.typeParameters, root.type);
    return ts.visitEachChild(renamed, visit, context);
  };
  const { transformed } = ts.transform(node, [rewrite]);
  const text = printer.printNode(ts.EmitHint.Unspecified, transformed[0], source);
  return text.replace(/^(?: {4})+/gm, (indent) => indent.slice(indent.length / 2));
}

const byMethod = (a, b) => (a.method < b.method ? -1 : 1);

function mapOf(title, text, messages, names) {
  const lines = messages.map(({ method, params, alternatives, result, stability }) => {
    const type = params === undefined ? "undefined" : [names.get(params), ...alternatives].join(" | ");
    const mark = stability === "experimental" ? "  /** @experimental */\n" : "";
    return `${mark}  ${JSON.stringify(method)}: { params: ${type}${result === undefined ? "" : `; result: ${names.get(result)}`} };`;
  });
  return [`/** ${text} */`, `export interface ${title} {`, ...lines, "}"].join("\n");
}

function typesText(version, types, protocol) {
  const roots = Object.values(protocol).flatMap((messages) => messages.flatMap(({ params, result }) => [params, result].filter((module) => module !== undefined)));
  const modules = reachable(types, [...roots, "RequestId"]);
  const names = namesOf(types, modules);
  const written = new Map();
  for (const module of modules.sort()) {
    const name = names.get(module);
    // The first of two that say the same.
    if (!written.has(name)) written.set(name, print(types.get(module), names, module));
  }
  const head = [
    "/**",
    ` * What a client and codex app-server ${version} say to each other, as the binary's own \`generate-ts --experimental\` has it.`,
    " *",
    " * Made by `npm run codegen:protocol`: not to be edited. Types alone, nothing of it is there at run time. 64-bit integers are",
    " * `number`, as JSON.parse reads them. Where the binary has two types of one name, the older one is `Core…`.",
    " */",
  ].join("\n");
  const maps = [
    mapOf("ClientRequests", "Every request of a client, with its params and its result, by method.", protocol.clientRequests, names),
    mapOf("ClientNotifications", "Every notification of a client.", protocol.clientNotifications, names),
    mapOf("ServerRequests", "Every request of the app-server, with its params and what it is answered with.", protocol.serverRequests, names),
    mapOf("ServerNotifications", "Every notification of the app-server.", protocol.serverNotifications, names),
  ];
  const sorted = [...written].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  return `${[head, ...maps, ...sorted].join("\n\n")}\n`;
}

function methodsText(version, protocol) {
  const list = ([name, messages]) => {
    const lines = messages.map(({ method, stability }) => `  ${JSON.stringify(method)}: ${JSON.stringify(stability)},`);
    const constant = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    return [`/** ${WHAT[name]} */`, `export const ${constant} = {`, ...lines, `} as const satisfies Record<keyof ${name[0].toUpperCase()}${name.slice(1)}, Stability>;`].join("\n");
  };
  const head = [
    "/** The methods of the pinned app-server, and how firm each is. Made by `npm run codegen:protocol`: not to be edited. */",
    'import type { ClientNotifications, ClientRequests, ServerNotifications, ServerRequests } from "./types.js";',
  ].join("\n");
  const constants = [
    "/** The version that the types and lists are of. */",
    `export const APP_SERVER_VERSION = ${JSON.stringify(version)};`,
    "",
    "/**",
    " * How firm a method is: `experimental` ones want `capabilities.experimentalApi` in initialize, `undocumented` ones are in the",
    " * binary's types and not in its schema.",
    " */",
    'export type Stability = "stable" | "experimental" | "undocumented";',
  ].join("\n");
  return `${[head, constants, ...Object.entries(protocol).map(list)].join("\n\n")}\n`;
}

const WHAT = {
  clientRequests: "Requests of a client.",
  clientNotifications: "Notifications of a client.",
  serverRequests: "Requests of the app-server.",
  serverNotifications: "Notifications of the app-server.",
};

/** The methods that a schema of the binary's names, of all four kinds. */
function schemaMethods(folder) {
  const methods = (file) => JSON.parse(readFileSync(path.join(folder, file), "utf8")).oneOf.map((variant) => variant.properties.method.enum[0]);
  return new Set(["ClientRequest", "ClientNotification", "ServerRequest", "ServerNotification"].flatMap((name) => methods(`${name}.json`).map((method) => `${name} ${method}`)));
}

function filesOf(codexBin) {
  const version = execFileSync(codexBin, ["--version"], { encoding: "utf8" }).trim().split(" ").at(-1);
  const stable = generated(codexBin, "generate-json-schema", [], schemaMethods);
  const documented = generated(codexBin, "generate-json-schema", ["--experimental"], schemaMethods);
  const stableTypes = generated(codexBin, "generate-ts", [], readTypes);
  return generated(codexBin, "generate-ts", ["--experimental"], (folder) => {
    const types = readTypes(folder);
    const members = markExperimental(types, stableTypes);
    const messages = (union) =>
      messagesOf(types, union)
        .map((message) => {
          const key = `${union} ${message.method}`;
          return { ...message, stability: stable.has(key) ? "stable" : documented.has(key) ? "experimental" : "undocumented" };
        })
        .sort(byMethod);
    const used = new Set();
    const protocol = {
      clientRequests: withResults(types, messages("ClientRequest"), used),
      clientNotifications: messages("ClientNotification"),
      serverRequests: withResults(types, messages("ServerRequest"), used),
      serverNotifications: messages("ServerNotification"),
    };
    const unused = [...types.keys()].filter((module) => isResult(module) && !used.has(module));
    if (unused.length > 0) fail(`results of no request: ${unused.join(", ")}. Adapt RESULTS`);
    const methods = Object.fromEntries(Object.entries(protocol).map(([name, list]) => [name, Object.fromEntries(list.map(({ method, stability }) => [method, stability]))]));
    return {
      version,
      protocol,
      files: [
        [path.join(GENERATED, "types.ts"), typesText(version, types, protocol)],
        [path.join(GENERATED, "methods.ts"), methodsText(version, protocol)],
        [DOCUMENT, documentOf(version, methods, members)],
      ],
    };
  });
}

/** The document with its tables renewed; what stands around them is written by hand. */
function documentOf(version, methods, members) {
  const text = read(DOCUMENT) ?? `${TABLES_START}\n${TABLES_END}\n`;
  const [before, rest] = text.split(TABLES_START);
  const after = rest?.split(TABLES_END)[1] ?? fail(`${path.relative(ROOT, DOCUMENT)} lacks the place of its tables`);
  return `${before}${TABLES_START}\n${tablesOf(version, methods, members)}\n${TABLES_END}${after}`;
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

const [flag, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (flag !== undefined && flag !== CHECK)) fail(`usage: CODEX_BIN=<the native binary> npm run codegen:protocol [-- ${CHECK}]`);
const codexBin = process.env.CODEX_BIN;
if (!codexBin) fail("CODEX_BIN names no app-server: set it to the native binary of @openai/codex");

const { version, protocol, files } = filesOf(codexBin);
const counts = Object.entries(protocol).map(([name, list]) => `${list.length} ${name}`).join(", ");
if (flag === CHECK) {
  const differing = files.filter(([file, text]) => read(file) !== text).map(([file]) => path.relative(ROOT, file));
  if (differing.length > 0) fail(`not what app-server ${version} says: ${differing.join(", ")}. Run npm run codegen:protocol`);
  console.log(`app-server ${version}: ${counts}, as generated`);
} else {
  mkdirSync(GENERATED, { recursive: true });
  for (const [file, text] of files) writeFileSync(file, text);
  console.log(`app-server ${version}: ${counts}; ${files.map(([file, text]) => `${path.relative(ROOT, file)} ${Buffer.byteLength(text)} bytes`).join(", ")}`);
}
