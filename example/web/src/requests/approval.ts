import { codexApprovalDetails } from "convex-codex-local/react";
import { wholeChanges, type WholeChange } from "../diff.js";
import { formatUnits } from "../format.js";
import { countLines } from "../pages.js";
import { fields, jsonOf, readItem, stringOf, type Fields } from "../payload.js";
import { approvalWords, commandOf, isKnownKind, type ApprovalWords } from "./approval-words.js";

/** UTF-8 bytes of a request over which it can only be declined. SOURCE: `src/limits.rs`, APPROVAL_BYTES_MAX. */
export const ACCEPTABLE_BYTES_MAX = 256 * 1024;
/** Lines of all files together that a card draws, each an element or two. */
export const CARD_LINES_MAX = 4_000;
/** What of all files together a card draws, in UTF-16 units. */
export const CARD_UNITS_MAX = 512 * 1024;
export const CARD_FILES_MAX = 200;

/** What an approval is asked for, and whether all of it can be shown. */
export interface ApprovalSaid extends ApprovalWords {
  command: string | undefined;
  cwd: string | undefined;
  network: { host: string; protocol: string } | undefined;
  /** Files may be written below it until the session ends. */
  root: string | undefined;
  permissions: string | undefined;
  changes: readonly WholeChange[];
  /** What the item that it names would change, where the request itself says something else: `changes` are the request's. */
  itemChanges: readonly WholeChange[];
  /** The model's words. */
  reason: string | undefined;
  /** All else that it says, a line each; empty where that is nothing. */
  others: string;
  /** Why it cannot be accepted here, in a sentence; undefined where it can, once all of it was seen. */
  obstacle: string | undefined;
}

/** Whether what is decided on stands in another place than the request: in the item that it names. */
export function isAboutItem(method: string): boolean {
  return method === "item/fileChange/requestApproval";
}

/**
 * Reads what Codex asks for, for a card that shows all of it.
 *
 * @param asked the approval, as it was listed
 * @param itemJson the whole payload of the item that it names, where {@link isAboutItem}; undefined while it is not there
 */
export function readApproval(asked: { method: string; payloadJson: string; reason?: string | undefined }, itemJson: string | undefined): ApprovalSaid {
  const { method, payloadJson } = asked;
  const details = codexApprovalDetails({ payloadJson });
  const { command, cwd, grantRoot, reason, kind, permissions, additionalPermissions, fileChanges, networkApprovalContext, ...others } = details;
  const network = networkOf(networkApprovalContext);
  const line = commandOf({ command });
  const requested = isAboutItem(method) || method === "applyPatchApproval" ? wholeChanges(fileChanges) : undefined;
  const ofItem = isAboutItem(method) && itemJson !== undefined ? wholeChanges(readItem(itemJson)["changes"]) : undefined;
  // Codex applies what the item says; the answer is given to what the request says.
  const isAtOdds = isAboutItem(method) && fileChanges !== undefined && !isSameChanges(requested, ofItem);
  const changes = requested ?? ofItem;
  const otherwise = isAtOdds && requested !== undefined ? ofItem : undefined;
  const allChanges = [...(changes ?? []), ...(otherwise ?? [])];
  const further = permissions ?? additionalPermissions;
  const shownPermissions = jsonOf(further);
  // What is not of the form that it is shown in is shown as it came.
  const left = {
    ...(!isKnownKind(kind) && { kind }),
    ...(line === undefined && { command }),
    ...(stringOf(cwd) === undefined && { cwd }),
    ...(stringOf(grantRoot) === undefined && { grantRoot }),
    ...(stringOf(reason) === undefined && { reason }),
    ...(network === undefined && { networkApprovalContext }),
    ...(requested === undefined && { fileChanges }),
    ...(permissions !== undefined && { additionalPermissions }),
    ...others,
  };
  const told = Object.entries(left).filter(([, value]) => value !== undefined);
  const otherLines = told.map(([name, value]) => membersOf({ [name]: value }));
  const isAllTold =
    otherLines.every((said) => said !== undefined) &&
    (further === undefined || shownPermissions !== undefined) &&
    allChanges.every((one) => membersOf(one.others) !== undefined);
  const isTooMuch = isAllTold && tooMuch(allChanges);
  const isDrawn = isAllTold && isTooMuch === false;
  return {
    ...approvalWords(method, details),
    command: line,
    cwd: stringOf(cwd),
    network,
    root: stringOf(grantRoot),
    permissions: shownPermissions,
    changes: isDrawn ? (changes ?? []) : [],
    itemChanges: isDrawn ? (otherwise ?? []) : [],
    reason: stringOf(reason) ?? asked.reason,
    others: otherLines.map((said) => said ?? "…").join("\n"),
    obstacle: obstacleOf(),
  };

  function obstacleOf(): string | undefined {
    if (new TextEncoder().encode(payloadJson).length > ACCEPTABLE_BYTES_MAX) return "It is too large to be accepted from here: it can only be declined.";
    if (isRedacted(payloadJson) || isRedacted(itemJson ?? "")) return "Parts of it look like secrets and were left out: it can only be declined here.";
    if (!isAllTold) return "A part of it is nested too deep to be shown: it can only be declined here.";
    if (isTooMuch !== false) return `${isTooMuch} are too much to be read in a card: it can only be declined here, or accepted at the machine.`;
    if (isAboutItem(method) && itemJson === undefined) return "What would be changed is not here: as long as it is not, it can only be declined.";
    if (isAtOdds) return "The request and the change that it names do not say the same: it can only be declined here.";
    return isAboutSomething() ? undefined : "It does not say what it is about: it can only be declined here.";
  }

  function isAboutSomething(): boolean {
    switch (method) {
      case "item/commandExecution/requestApproval":
      case "execCommandApproval":
        return (line !== undefined && line.trim() !== "") || network !== undefined;
      case "item/fileChange/requestApproval":
      case "applyPatchApproval":
        return changes !== undefined;
      case "item/permissions/requestApproval":
        return Object.keys(fields(permissions)).length > 0;
      default:
        return told.length > 0;
    }
  }
}

/** Whether something was left out of what Codex asks for, as it stands in Convex: nobody here can see what would happen. SOURCE: `docs/SECURITY.md`, "Redaction". */
function isRedacted(json: string): boolean {
  return json.includes("[redacted:");
}

/** What an approval is called. */
export function approvalTitle({ method, payloadJson }: { method: string; payloadJson: string }): string {
  return approvalWords(method, codexApprovalDetails({ payloadJson })).title;
}

/** Whether two say the same of the same files, whichever comes first. What is nested too deep to be written is the same as nothing. */
function isSameChanges(one: readonly WholeChange[] | undefined, other: readonly WholeChange[] | undefined): boolean {
  const said = (changes: readonly WholeChange[] | undefined) => jsonOf(changes && [...changes].sort(byPath));
  const json = said(one);
  return json !== undefined && json === said(other);
}

/** What is said twice of a file stays in its order. */
function byPath({ change: { path: one } }: WholeChange, { change: { path: other } }: WholeChange): number {
  return one === other ? 0 : one < other ? -1 : 1;
}

/** How much there is, in words, where a card does not draw that much; false where it does. */
function tooMuch(changes: readonly WholeChange[]): string | false {
  if (changes.length > CARD_FILES_MAX) return `${changes.length.toLocaleString()} files`;
  const units = changes.reduce(
    (sum, { change: { path, movedTo = "", diff }, others }) => sum + path.length + movedTo.length + diff.length + (membersOf(others)?.length ?? 0),
    0,
  );
  if (units > CARD_UNITS_MAX) return `Changes of ${formatUnits(units)}`;
  const lines = changes.reduce((sum, { change: { diff } }) => sum + countLines(diff), 0);
  return lines > CARD_LINES_MAX && `${lines.toLocaleString()} lines`;
}

/**
 * Members of an object that a card has no place for, in a line.
 *
 * @returns undefined where one is nested too deep to be written
 */
export function membersOf(members: Fields): string | undefined {
  const said = Object.entries(members).map(([name, value]) => [/^\w+$/.test(name) ? name : JSON.stringify(name), lineOf(value)] as const);
  return said.every(([, json]) => json !== undefined) ? said.map(([name, json]) => `${name}: ${json ?? ""}`).join(", ") : undefined;
}

function lineOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function networkOf(context: unknown): ApprovalSaid["network"] {
  const { host, protocol, ...others } = fields(context);
  const isWhole = typeof host === "string" && typeof protocol === "string" && Object.keys(others).length === 0;
  return isWhole ? { host, protocol } : undefined;
}
