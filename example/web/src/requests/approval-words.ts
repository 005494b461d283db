/** What a page calls what Codex asks for. */
import { spellOut } from "../items/visible-parts.js";
import { fields, jsonOf, stringOf, type Fields } from "../payload.js";

export interface ApprovalWords {
  title: string;
  /** What the button says that accepts it. */
  accept: string;
}

const COMMAND = { title: "Codex wants to run a command", accept: "Run it" };
const FILES = { title: "Codex wants to change files", accept: "Change them" };
const NETWORK = { title: "Codex wants to reach the network", accept: "Allow it" };

// Maps: the name of a method, and a kind, are Codex's to choose.
const BY_METHOD = new Map<string, ApprovalWords>([
  ["item/commandExecution/requestApproval", COMMAND],
  ["execCommandApproval", COMMAND],
  ["item/fileChange/requestApproval", FILES],
  ["applyPatchApproval", FILES],
  ["item/permissions/requestApproval", { title: "Codex wants further permissions", accept: "Grant them" }],
]);
const BY_KIND = new Map<unknown, ApprovalWords>([
  ["command", COMMAND],
  ["humanCommand", { title: "Codex wants a person to allow a command", accept: "Run it" }],
  ["writeStdin", { title: "Codex wants to type into a command that runs", accept: "Type it" }],
]);

/** Whether a kind of command has words: another one is told as it came. */
export function isKnownKind(kind: unknown): boolean {
  return BY_KIND.has(kind);
}

/** @param params of the request */
export function approvalWords(method: string, params: Fields): ApprovalWords {
  if (method === "item/commandExecution/requestApproval") {
    const { kind, networkApprovalContext: network } = params;
    if (network !== undefined && network !== null) return NETWORK;
    return BY_KIND.get(kind) ?? COMMAND;
  }
  return BY_METHOD.get(method) ?? { title: `Codex asks for approval (${spellOut(method)})`, accept: "Accept" };
}

const FOR_SESSION = "Accept, and do not ask again in this session";
const ONCE = new Set<unknown>(["accept", "approved", "decline", "denied", "cancel", "abort"]);

/** Whether a decision declines, and ends the turn. */
export function isStop(decision: unknown): boolean {
  return decision === "cancel" || decision === "abort";
}

/** What a decision says that is more than yes or no, once; undefined of the others. */
export function decisionWords(decision: unknown): string | undefined {
  if (ONCE.has(decision)) return undefined;
  if (decision === "acceptForSession" || decision === "approved_for_session") return FOR_SESSION;
  const [entry] = Object.entries(fields(decision));
  if (typeof decision === "string" || entry === undefined) return jsonOf(decision);
  const [name, details] = entry;
  if (name === "denied") return undefined;
  const { execpolicy_amendment, proposed_execpolicy_amendment, network_policy_amendment } = fields(details);
  const prefix = execpolicy_amendment ?? proposed_execpolicy_amendment;
  if (Array.isArray(prefix)) return `Accept, and never ask again for commands that begin with: ${wordsOf(prefix)}`;
  const { host, action } = fields(network_policy_amendment);
  if (typeof host === "string" && action === "allow") return `Accept, and never ask again whether ${host} may be reached`;
  if (typeof host === "string" && action === "deny") return `Decline, and never let ${host} be reached`;
  return `${name}: ${jsonOf(details) ?? ""}`;
}

/** The command that a request is about, in one line. */
export function commandOf({ command }: Fields): string | undefined {
  return Array.isArray(command) ? wordsOf(command) : stringOf(command);
}

const PLAIN = /^[\w@%+=:,./-]+$/;

/** As a shell would take them: what is one word is seen to be one. */
function wordsOf(words: readonly unknown[]): string {
  return words
    .map((word) => (typeof word === "string" ? word : (jsonOf(word) ?? "")))
    .map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}
