import type { CodexSettings } from "../core/bridge.js";
import type { NormalizedEvent } from "../protocol/index.js";

/** What is known of a thread when codex has loaded it. */
interface Loaded {
  /** What is in force in it; undefined where codex did not say. */
  readonly settings?: CodexSettings | undefined;
  /** The thread whose agent it is. */
  readonly parentId?: string | undefined;
}

/**
 * Turns of a thread that are remembered to have ended: what a command of theirs still prints comes while the next one runs, and an end may
 * overtake the answer that names its turn.
 */
const ENDED_KEPT = 8;

interface LoadedThread {
  settings: CodexSettings | undefined;
  /** The turn that runs, as codex wants it to be called. */
  running: string | undefined;
  /** What else it is called: a review's items carry another id than its start. */
  readonly names: Set<string>;
  ended: string[];
}

/**
 * The threads that a process of codex has loaded, by its own ids, which turn runs in each, and the ids of all threads that are known in
 * Convex.
 */
export class LoadedThreads {
  readonly #loaded = new Map<string, LoadedThread>();
  readonly #inConvex = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  readonly #parents = new Map<string, string>();

  /** Codex has the thread. What was known of it and is not said now stays. */
  load(id: string, { settings, parentId }: Loaded = {}): void {
    const known = this.#loaded.get(id);
    if (known === undefined) this.#loaded.set(id, { settings, running: undefined, names: new Set(), ended: [] });
    else known.settings = settings ?? known.settings;
    if (parentId !== undefined) this.#adopt({ id, parentId });
  }

  /** Codex has let it go. */
  unload(id: string): void {
    this.#loaded.delete(id);
  }

  /** Where its events go. */
  bind(id: string, threadId: string): void {
    this.#inConvex.set(id, threadId);
    this.#ids.set(threadId, id);
  }

  /** Those that are loaded, in the order in which they were. */
  list(): string[] {
    return [...this.#loaded.keys()];
  }

  isLoaded(id: string): boolean {
    return this.#loaded.has(id);
  }

  /** Its thread in Convex, where that is known. */
  inConvex(id: string): string | undefined {
    return this.#inConvex.get(id);
  }

  /** The thread that is `threadId` in Convex. */
  idOf(threadId: string): string | undefined {
    return this.#ids.get(threadId);
  }

  /**
   * What is in force in it; undefined where that is not known. Of what only began, and of an agent of which nothing is told, only the
   * folder is: the rest is null then.
   */
  settings(id: string): CodexSettings | undefined {
    const known = this.#loaded.get(id)?.settings;
    const parent = known === undefined ? this.#loaded.get(this.#parents.get(id) ?? "")?.settings : undefined;
    return parent === undefined ? known : { cwd: parent.cwd, sandboxPolicy: null, approvalPolicy: null };
  }

  /** The turn that runs in it. */
  running(id: string): string | undefined {
    return this.#loaded.get(id)?.running;
  }

  /** Those that run, by their threads. */
  runningTurns(): (readonly [id: string, turnIds: readonly string[]])[] {
    return [...this.#loaded].flatMap(([id, { running }]) => (running === undefined ? [] : [[id, [running]] as const]));
  }

  /** A turn of it runs, of whose start nobody told. */
  runs(id: string, turnId: string): void {
    const thread = this.#loaded.get(id);
    if (thread === undefined || thread.ended.includes(turnId)) return;
    thread.running = turnId;
    thread.names.add(turnId);
  }

  /** Codex answered that it has taken a turn, or steered the one that runs; of its start nobody told yet, or nobody will. */
  taken(id: string, turnId: string): void {
    // A review's is known by the name of its start.
    if (this.running(id) === undefined) this.runs(id, turnId);
  }

  /** The process is over, and with it what ran in it. @returns the turns that were not seen to end: of one that was only taken nobody tells */
  processEnded(): (readonly [id: string, turnId: string])[] {
    return [...this.#loaded].flatMap(([id, thread]) => endsOf(thread).map((turnId) => [id, turnId] as const));
  }

  /** What codex calls a turn that it is to interrupt: the one that runs, where that is meant. */
  runningAs(id: string, turnId: string): string {
    const thread = this.#loaded.get(id);
    return thread?.running !== undefined && thread.names.has(turnId) ? thread.running : turnId;
  }

  /** The other threads in which a turn runs, but for the agents of this one. */
  othersThatRun(id: string): string[] {
    return [...this.#loaded].flatMap(([other, { running }]) => (running === undefined || this.#isWithin(other, id) ? [] : [other]));
  }

  /**
   * Sees an event.
   *
   * @returns the turns that it ends, by every name that they have
   */
  saw(event: NormalizedEvent): string[] {
    const { kind, threadId, turnId, payloadJson } = event;
    for (const agent of agentsIn(event)) this.#adopt(agent);
    // Of an agent's thread codex tells no start: its turns say that it is there.
    if (kind === "thread/started" || kind === "turn/started") {
      this.load(threadId);
    } else if (kind === "thread/closed" || kind === "thread/archived" || kind === "thread/deleted") {
      this.unload(threadId);
    }
    const thread = this.#loaded.get(threadId);
    if (thread === undefined) return turnId !== undefined && kind === "turn/completed" ? [turnId] : [];
    // Of a thread that another client began nothing else says it.
    if (kind === "thread/started") thread.settings ??= settingsOf(paramsOf(payloadJson).thread);
    if (kind === "thread/settings/updated") thread.settings = settingsOf(paramsOf(payloadJson).threadSettings) ?? thread.settings;
    if (turnId === undefined) return [];
    if (kind === "turn/completed") {
      return endsOf(thread, turnId);
    }
    if (kind === "turn/started") this.runs(threadId, turnId);
    else if (!thread.ended.includes(turnId)) thread.names.add(turnId);
    return [];
  }

  /** Codex changes no parent: what was said first stays. */
  #adopt({ id, parentId }: Agent): void {
    if (!this.#parents.has(id)) this.#parents.set(id, parentId);
  }

  #isWithin(id: string, ancestor: string): boolean {
    const seen = new Set<string>();
    for (let at: string | undefined = id; at !== undefined && !seen.has(at); at = this.#parents.get(at)) {
      if (at === ancestor) return true;
      seen.add(at);
    }
    return false;
  }
}

/** Ends the turn that runs in a thread. @param named by a name that may be another one @returns all names by which it ends */
function endsOf(thread: LoadedThread, named?: string): string[] {
  const ended = [...new Set([named, thread.running])].filter((turnId) => turnId !== undefined);
  thread.ended = [...thread.ended, ...ended].slice(-ENDED_KEPT);
  thread.running = undefined;
  thread.names.clear();
  return ended;
}

/** The settings of a thread as codex tells them, in an answer or an event; undefined where it tells none. */
export function settingsOf(told: unknown): CodexSettings | undefined {
  if (told === null || typeof told !== "object" || !("cwd" in told) || typeof told.cwd !== "string") return undefined;
  const { cwd, approvalPolicy, sandbox, sandboxPolicy } = told as { cwd: string; approvalPolicy?: unknown; sandbox?: unknown; sandboxPolicy?: unknown };
  return { cwd, sandboxPolicy: sandboxPolicy ?? sandbox ?? null, approvalPolicy: approvalPolicy ?? null };
}

/** A thread of the app-server's, and the one whose agent it is. */
export interface Agent {
  readonly id: string;
  readonly parentId: string;
}

/** Items that name agents. */
const AGENT_ITEMS = ["collabAgentToolCall", "subAgentActivity"];

/**
 * The agents that an event names with their parents: a thread's start says whose it is, and the items with which a thread begins one
 * say it where codex does not tell of that start.
 */
export function agentsIn({ kind, threadId, payloadJson }: NormalizedEvent): Agent[] {
  const isStart = kind === "thread/started";
  // Payloads may be large, and few are of agents.
  if (!isStart && !(kind.startsWith("item/") && AGENT_ITEMS.some((type) => payloadJson.includes(type)))) return [];
  const { thread, item } = paramsOf(payloadJson);
  const named: { id: unknown; parentId: unknown }[] = [];
  if (isStart) named.push({ id: threadId, parentId: thread?.parentThreadId });
  else if (item?.type === "collabAgentToolCall" && item.tool === "spawnAgent" && Array.isArray(item.receiverThreadIds)) {
    for (const id of item.receiverThreadIds) named.push({ id, parentId: item.senderThreadId });
  } else if (item?.type === "subAgentActivity" && item.kind === "started") named.push({ id: item.agentThreadId, parentId: threadId });
  return named.filter((agent): agent is Agent => isId(agent.id) && isId(agent.parentId) && agent.id !== agent.parentId);
}

const isId = (value: unknown): value is string => typeof value === "string" && value !== "";

interface ThreadParams {
  readonly thread?: { readonly parentThreadId?: string | null };
  readonly threadSettings?: unknown;
  readonly item?: { readonly [field: string]: unknown };
}

function paramsOf(payloadJson: string): ThreadParams {
  return (JSON.parse(payloadJson) as { params?: ThreadParams }).params ?? {};
}
