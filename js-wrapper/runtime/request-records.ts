import { redactMessage } from "../core/bridge.js";
import type { HostActorContext } from "../host/validators.js";
import type { RpcId } from "../protocol/index.js";
import type { RequestName } from "./claimed-command.js";
import { codeOf } from "./errors.js";
import type { NotedRequest, RequestNotes } from "./request-notes.js";
import type { ServerRequest, ServerRequestEnd } from "./server-requests.js";
import type { CodexHostPersistence } from "./types.js";

/** Which process of codex it is: ids of requests count from 0 in each. */
export interface ProcessName {
  readonly runtimeId: string;
  readonly generation: number;
  readonly appGeneration: number;
}

/** Whether a request that is named so may be of this process: what is not named is. */
export function isOfProcess({ runtimeId, generation, appGeneration }: RequestName, own: ProcessName): boolean {
  return (runtimeId ?? own.runtimeId) === own.runtimeId && (generation ?? own.generation) === own.generation && (appGeneration ?? own.appGeneration) === own.appGeneration;
}

/** What a {@link RequestRecords} is made of. */
export interface RequestRecordsOptions {
  readonly persistence: Pick<CodexHostPersistence, "upsertPendingServerRequest" | "resolvePendingServerRequest">;
  readonly actor: HostActorContext;
  /** The process that runs. */
  readonly process: () => ProcessName;
  /** The thread in Convex of one of the app-server's. */
  readonly bind: (id: string) => Promise<{ threadId: string }>;
  /** The same where it is known, without asking for it. */
  readonly threadIdOf: (id: string) => string | undefined;
  /** The request that waits under an id. */
  readonly waiting: (requestId: RpcId) => ServerRequest | undefined;
  readonly notes: RequestNotes;
  /** Tries something until it succeeds, is refused, or the runtime stops. */
  readonly again: (attempt: () => Promise<unknown>) => Promise<unknown>;
}

/** How a request ended, and which process had asked it. */
type End = ProcessName & Pick<Parameters<CodexHostPersistence["resolvePendingServerRequest"]>[0], "status" | "responseJson" | "resolvedAt">;

/** What Convex says of a request that it does not show as open, or not any more. */
const OVER = ["E_REQUEST_NOT_FOUND", "E_REQUEST_NOT_PENDING", "E_AUTH_THREAD_FORBIDDEN"];

/** Tells Convex of what the app-server asks of a thread, and of how that ended, in that order; no thread waits for another. */
export class RequestRecords {
  readonly #options: RequestRecordsOptions;
  /** What is told of each thread, in its order; those of which nothing is are left out. */
  readonly #telling = new Map<string, Promise<void>>();

  constructor(options: RequestRecordsOptions) {
    this.#options = options;
  }

  /** Resolves when all is told that was to be told so far. */
  get told(): Promise<void> {
    return Promise.all(this.#telling.values()).then(() => undefined);
  }

  /** One waits. One that is of no thread is nobody's but the runtime's. */
  opened(request: ServerRequest): void {
    const { notes, bind } = this.#options;
    const { threadId: id, id: requestId } = request;
    if (id === undefined) return;
    const process = this.#options.process();
    notes.add(id, notedAs(requestId, process));
    this.#tell(id, async () => this.#show(request, (await bind(id)).threadId, process));
  }

  /** It waits no longer. */
  closed(request: ServerRequest, end: ServerRequestEnd): void {
    const { bind } = this.#options;
    const { threadId: id, id: requestId } = request;
    if (id === undefined) return;
    const response = end.type === "answered" ? { status: end.type, responseJson: keptAnswer(request, end.result) } : { status: end.type };
    this.#tellEnd(id, requestId, { ...response, resolvedAt: Date.now(), ...this.#options.process() }, async () => (await bind(id)).threadId);
  }

  /** One that an earlier start left open: it waits for nobody any more. @param id the app-server's thread */
  left(id: string, request: NotedRequest): void {
    const { threadIdOf, notes } = this.#options;
    const { requestId, generation, appGeneration } = request;
    const { runtimeId } = this.#options.process();
    // The thread is not taken for that: another session may have it.
    const threadId = threadIdOf(id);
    if (threadId === undefined) notes.remove(id, request);
    else this.#tellEnd(id, requestId, { status: "expired", resolvedAt: Date.now(), runtimeId, generation, appGeneration }, () => Promise.resolve(threadId), OVER);
  }

  /** @param settles codes of refusals that say as much */
  #tellEnd(id: string, requestId: RpcId, end: End, bind: () => Promise<string>, settles: readonly string[] = []): void {
    const { persistence, actor, notes, waiting } = this.#options;
    this.#tell(id, async () => {
      const threadId = await bind();
      // What Convex has of a newer one may be its event alone, which does not say which process asked: it would be taken for this one.
      const newer = waiting(requestId);
      if (newer?.threadId === id) await this.#show(newer, threadId, this.#options.process());
      await persistence.resolvePendingServerRequest({ actor, threadId, requestId, ...end }).catch((thrown: unknown) => {
        if (!settles.includes(codeOf(thrown))) throw thrown;
      });
      notes.remove(id, notedAs(requestId, end));
    });
  }

  #show({ turnId = "", itemId = "", id: requestId, method, payloadJson, askedAt: requestedAt }: ServerRequest, threadId: string, process: ProcessName): Promise<unknown> {
    const { persistence, actor } = this.#options;
    return persistence.upsertPendingServerRequest({ actor, request: { threadId, requestId, turnId, itemId, method, payloadJson, requestedAt, ...process } });
  }

  #tell(id: string, tell: () => Promise<unknown>): void {
    const told = (this.#telling.get(id) ?? Promise.resolve()).then(async () => {
      await this.#options.again(tell);
      if (this.#telling.get(id) === told) this.#telling.delete(id);
    });
    this.#telling.set(id, told);
  }
}

function notedAs(requestId: RpcId, { generation, appGeneration }: ProcessName): NotedRequest {
  return { requestId, generation, appGeneration };
}

/** An answer as it is kept: without its secrets, and of a secret question without what was answered. */
function keptAnswer({ id, payloadJson }: ServerRequest, result: unknown): string {
  const answer = JSON.parse(redactMessage(JSON.stringify({ id, result }), payloadJson)) as { result: unknown };
  return JSON.stringify(answer.result);
}
