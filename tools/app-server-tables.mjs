// The tables of docs/APP_SERVER.md: every method of the app-server, and which function of `./app-server` makes or answers it.
import { readFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./cargo-tools.mjs";

export const TABLES_START = "<!-- The tables are made by `npm run codegen:protocol`. -->";
export const TABLES_END = "<!-- The end of the tables. -->";

/** The builders of a file by the method that each is for: the first method that a function's text names as one of its calls. */
function buildersIn(file, call) {
  let text;
  try {
    text = readFileSync(path.join(ROOT, "js-wrapper/app-server", file), "utf8");
  } catch {
    return {};
  }
  const found = {};
  for (const [, name, body] of text.matchAll(/^export function (build\w+)([\s\S]*?)^}/gm)) {
    const method = call.exec(body)?.[1];
    if (method !== undefined) (found[method] ??= []).push(name);
  }
  return found;
}

const code = (text) => `\`${text}\``;

function table(head, methods, cell) {
  const rows = Object.entries(methods).map(([method, stability]) => `| ${[code(method), stability, ...cell(method)].join(" | ")} |`);
  return [`| ${head.join(" | ")} |`, `|${" --- |".repeat(head.length)}`, ...rows].join("\n");
}

/** All tables. @param members what of the types wants `experimentalApi`, by type */
export function tablesOf(version, methods, members) {
  const requests = buildersIn("requests.ts", /buildClientRequest\("([^"]+)"/);
  const answers = buildersIn("answers.ts", /buildServerRequestResponse\("([^"]+)"/);
  const named = (builders, generic) => (method) => [(builders[method] ?? [generic]).map(code).join(", ")];
  const count = (list) => {
    const by = new Map();
    for (const stability of Object.values(list)) by.set(stability, (by.get(stability) ?? 0) + 1);
    return ["stable", "experimental", "undocumented"].flatMap((stability) => (by.has(stability) ? [`${by.get(stability)} ${stability}`] : [])).join(", ");
  };
  return [
    `## Requests of a client\n\nOf app-server ${version}: ${count(methods.clientRequests)}. Each is sent by \`AppServerClient.request\`, too.`,
    table(["method", "stability", "builder"], methods.clientRequests, named(requests, "buildClientRequest")),
    `## Notifications of a client\n\n${count(methods.clientNotifications)}.`,
    table(["method", "stability", "builder"], methods.clientNotifications, () => [code("buildInitializedNotification")]),
    `## Requests of the app-server\n\n${count(methods.serverRequests)}. \`answers\` has each builder under its method.`,
    table(["method", "stability", "answer"], methods.serverRequests, named(answers, "buildServerRequestResponse")),
    `## Notifications of the app-server\n\n${count(methods.serverNotifications)}. What each does to a thread's rows is in [EVENTS.md](EVENTS.md).`,
    table(["method", "stability"], methods.serverNotifications, () => []),
    "## Members that are experimental\n\nOf types that are there without `experimentalApi`, too; `@experimental` in the types.",
    ["| type | members |", "| --- | --- |", ...Object.entries(members).map(([type, names]) => `| ${code(type)} | ${names.map(code).join(", ")} |`)].join("\n"),
  ].join("\n\n");
}
