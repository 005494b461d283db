/** What a page calls what Codex asks for. */
import { stringOf } from "../payload.js";

export type Fields = Readonly<Record<string, unknown>>;

// A map: the name of a method is Codex's to choose.
const WORDS = new Map([
  ["item/commandExecution/requestApproval", { title: "Codex wants to run a command", accept: "Run it" }],
  ["execCommandApproval", { title: "Codex wants to run a command", accept: "Run it" }],
  ["item/fileChange/requestApproval", { title: "Codex wants to change files", accept: "Change them" }],
  ["applyPatchApproval", { title: "Codex wants to change files", accept: "Change them" }],
  ["item/permissions/requestApproval", { title: "Codex wants further permissions", accept: "Grant them" }],
]);

export function approvalWords(method: string): { title: string; accept: string } {
  return WORDS.get(method) ?? { title: `Codex asks for approval (${method})`, accept: "Accept" };
}

/** What a decision beside accepting and declining says; undefined for those two, and those that a page has no words for. */
export function decisionWords(decision: unknown): string | undefined {
  if (decision === "acceptForSession" || decision === "approved_for_session") return "Accept, and do not ask again in this session";
  if (typeof decision !== "object" || decision === null) return undefined;
  const [[name, details] = [undefined, undefined]] = Object.entries(decision);
  const { execpolicy_amendment: prefix } = (typeof details === "object" && details !== null ? details : {}) as Fields;
  if (name === "acceptWithExecpolicyAmendment" && Array.isArray(prefix)) {
    return `Accept, and never ask again for commands that begin with: ${prefix.map(String).join(" ")}`;
  }
  return name === undefined || name === "denied" ? undefined : `${name}: ${JSON.stringify(details)}`;
}

/** The command that a request is about, in one line. */
export function commandOf({ command }: Fields): string | undefined {
  return Array.isArray(command) ? command.map(String).join(" ") : stringOf(command);
}
