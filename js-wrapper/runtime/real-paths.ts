/** Paths without links: what the machine's policy judges, and what codex is given, so that a link that is changed afterwards leads nowhere else. */
import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { CodexSettings, PolicyFiles } from "../core/bridge.js";
import { type Fields, fieldsOf, readObject } from "../protocol/fields.js";

/** An absolute path of this machine. A share is not looked at: its host would be told who looks. */
const LOCAL = process.platform === "win32" ? /^[a-z]:[\\/]/i : /^\/(?!\/)/;
/** What no path is: the policy lets it not pass. */
const NONE = "";
/** SOURCE: `MAXSYMLINKS` of Linux. */
const LINKS_MAX = 40;

/** Where a path leads that somebody names from afar; nothing of what is not there, for it may be made a link before codex comes to it. */
function strict(text: unknown): string {
  try {
    return typeof text === "string" && LOCAL.test(text) ? realpathSync.native(text) : NONE;
  } catch {
    return NONE;
  }
}

/** Where a path leads that the machine's own side names; of one that is not there, as far as it is. */
export function realPathOf(text: string): string {
  if (!LOCAL.test(text)) return text;
  const missing: string[] = [];
  for (let at = text; ; at = path.dirname(at)) {
    try {
      return path.join(realpathSync.native(at), ...missing);
    } catch {
      if (path.dirname(at) === at) return text;
      missing.unshift(path.basename(at));
    }
  }
}

/** A command's payload with what its paths lead to: its folder, its sandbox's, and its input's files. */
export function withRealPaths(payload: Fields): Fields {
  const { cwd, sandboxPolicy, input } = payload;
  return {
    ...payload,
    ...(typeof cwd === "string" && { cwd: strict(cwd) }),
    ...(sandboxPolicy !== undefined && { sandboxPolicy: sandboxOf(sandboxPolicy, strict) }),
    ...(Array.isArray(input) && { input: input.map((member: unknown) => replaced(member, "path", strict)) }),
  };
}

/** A sandbox with what its writable roots lead to. */
function sandboxOf(sandbox: unknown, real: (text: string) => string): unknown {
  const { writableRoots } = fieldsOf(sandbox) ?? {};
  return Array.isArray(writableRoots) ? { ...fieldsOf(sandbox), writableRoots: mapTexts(writableRoots, real) } : sandbox;
}

function replaced(value: unknown, name: string, real: (text: string) => string): unknown {
  const text = fieldsOf(value)?.[name];
  return typeof text === "string" ? { ...fieldsOf(value), [name]: real(text) } : value;
}

function mapTexts(list: readonly unknown[], real: (text: string) => string): unknown[] {
  return list.map((one) => (typeof one === "string" ? real(one) : one));
}

/** What is in force in a thread now. */
export function settingsNow(settings: CodexSettings): CodexSettings {
  return withFolders(settings, realPathOf);
}

/** Settings with what their folders lead to. */
function withFolders({ cwd, sandboxPolicy, approvalPolicy }: CodexSettings, real: (text: string) => string): CodexSettings {
  return { cwd: real(cwd), sandboxPolicy: sandboxOf(sandboxPolicy, real), approvalPolicy };
}

/** The folders that the machine's owner allows. Each is what its path led to at first: what codex may write in might be made a link. */
export class AllowedFolders {
  readonly #first = new Map<string, string>();

  readonly #folder = (text: string): string => {
    const real = this.#first.get(text) ?? realPathOf(text);
    this.#first.set(text, real);
    return real;
  };

  /** A policy's text with them; one that cannot be read stays. */
  inPolicy(json: string): string {
    const policy = readObject(json);
    if (policy === undefined) return json;
    const { roots, sandbox } = policy;
    return JSON.stringify({
      ...policy,
      ...(Array.isArray(roots) && { roots: mapTexts(roots, this.#folder) }),
      ...(sandbox !== undefined && { sandbox: sandboxOf(sandbox, this.#folder) }),
    });
  }

  /** What the owner started codex with. */
  inSettings(settings: CodexSettings): CodexSettings {
    return withFolders(settings, this.#folder);
  }
}

/** What decides which file a policy is, beside the folders in which codex may write temporary files. */
export function policyFilesOf(file: string): PolicyFiles {
  return { policy: placesOf(file), tmpdir: realPathOf(tmpdir()), ...(process.platform !== "win32" && { slashTmp: realPathOf("/tmp") }) };
}

/** A file's path, and what becomes of it with each link on the way: whoever may write at one of these places decides which file it is. */
function placesOf(file: string): string[] {
  const places: string[] = [];
  const named = path.resolve(file);
  for (let at: string | undefined = named; at !== undefined && !places.includes(at) && places.length <= LINKS_MAX; at = behindFirstLink(at)) {
    places.push(at);
  }
  // Where nothing tells small letters from large ones, as the file system writes it.
  const real = realPathOf(named);
  return places.includes(real) ? places : [...places, real];
}

function behindFirstLink(file: string): string | undefined {
  const { root } = path.parse(file);
  const names = file.slice(root.length).split(path.sep);
  for (let count = 1; count <= names.length; count++) {
    const at = path.join(root, ...names.slice(0, count));
    try {
      if (lstatSync(at).isSymbolicLink()) return path.resolve(path.dirname(at), readlinkSync(at), ...names.slice(count));
    } catch {
      return undefined;
    }
  }
  return undefined;
}
