import { redactMessage } from "../core/bridge.js";
import type { HostActorContext } from "../host/validators.js";
import type { RequestName } from "./claimed-command.js";
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
  /** Tries something until it succeeds, is refused, or the runtime stops. */
  readonly again: (attempt: () => Promise<unknown>) => Promise<unknown>;
}

/** Tells Convex of what the app-server asks of a thread, and of how that ended, in that order. */
export class RequestRecords {
  readonly #options: RequestRecordsOptions;
  #told: Promise<void> = Promise.resolve();

  constructor(options: RequestRecordsOptions) {
    this.#options = options;
  }

  /** Resolves when all is told that was to be told so far. */
  get told(): Promise<void> {
    return this.#told;
  }

  /** One waits. */
  opened({ threadId: id, turnId = "", itemId = "", id: requestId, method, payloadJson, askedAt: requestedAt }: ServerRequest): void {
    const { persistence, actor } = this.#options;
    this.#tell(id, (threadId, process) =>
      persistence.upsertPendingServerRequest({ actor, request: { threadId, requestId, turnId, itemId, method, payloadJson, requestedAt, ...process } }),
    );
  }

  /** It waits no longer. */
  closed(request: ServerRequest, end: ServerRequestEnd): void {
    const { persistence, actor } = this.#options;
    const resolvedAt = Date.now();
    const response = end.type === "answered" ? { status: end.type, responseJson: keptAnswer(request, end.result) } : { status: end.type };
    this.#tell(request.threadId, (threadId, process) =>
      persistence.resolvePendingServerRequest({ actor, threadId, requestId: request.id, resolvedAt, ...response, ...process }),
    );
  }

  /** One that is of no thread is nobody's but the runtime's. */
  #tell(id: string | undefined, tell: (threadId: string, process: ProcessName) => Promise<unknown>): void {
    if (id === undefined) return;
    const { bind, again } = this.#options;
    const process = this.#options.process();
    this.#told = this.#told.then(async () => {
      await again(async () => tell((await bind(id)).threadId, process));
    });
  }
}

/** An answer as it is kept: without its secrets, and of a secret question without what was answered. */
function keptAnswer({ id, payloadJson }: ServerRequest, result: unknown): string {
  const answer = JSON.parse(redactMessage(JSON.stringify({ id, result }), payloadJson)) as { result: unknown };
  return JSON.stringify(answer.result);
}
