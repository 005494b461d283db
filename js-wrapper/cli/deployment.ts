/** The deployment, as commands ask it. */
import { ConvexHttpClient } from "convex/browser";
import { type FunctionArgs, makeFunctionReference } from "convex/server";
import { messageOf } from "../coded-error.js";
import { isUntoldFailure } from "../missing-function.js";
import { apiOf } from "../runtime/codex-runtime.js";
import { type CodexBridgeApi, type CodexPersistence, createConvexPersistence } from "../runtime/persistence.js";
import { CliError, tellOf, type Told } from "./errors.js";
import { shownUrl } from "./options.js";

/** Milliseconds in which an address answers, or is told not to. */
const ANSWER_MS = 10_000;
/** Milliseconds that a call may take. */
const CALL_MS = 60_000;
/** HTTP's statuses of what may be answered later, beside those from 500 up: it took too long, and it came too soon. */
const LATER: readonly number[] = [408, 429];
/** SOURCE: convex 1.48, STATUS_CODE_UDF_FAILED: a deployment's own answer, of a function that threw. */
const FUNCTION_THREW = 560;
/** What a bridge asks before anything else, and so does doctor. */
export const ASKED = "listPendingServerRequestsForBridge";
/** Bytes of an id at most. SOURCE: `src/limits.rs`, ID_BYTES_MAX. */
const ID_BYTES_MAX = 1024;
/** An id that nothing can have: whoever is let in, nothing is written. */
const ID = "-".repeat(ID_BYTES_MAX + 1);
const [ofThread, ofRuntime] = [{ threadId: ID }, { runtimeId: ID, generation: 0 }];
const [ofSession, ofRequest] = [{ ...ofThread, sessionId: ID }, { ...ofThread, requestId: ID }];
/**
 * What each function of bridges takes but for the one that is asked first, and must refuse: without a token, by a code. That is what a production deployment tells; of
 * arguments that it does not take, it says as little as of a function that it does not have.
 */
export const PROBES = {
  ensureThread: ofThread,
  resolveThread: { externalThreadId: ID },
  ensureSession: ofSession,
  heartbeat: { ...ofSession, lastEventCursor: 0 },
  ingestBatch: { ...ofSession, deltas: [] },
  upsertPendingServerRequestForHooks: { ...ofRequest, turnId: ID, itemId: ID, method: "", payloadJson: "", requestedAt: 0 },
  resolvePendingServerRequestForHooks: { ...ofRequest, status: "expired", resolvedAt: 0 },
  leaseCommands: { ...ofRuntime, ...ofThread, limit: 0 },
  reportCommand: { commandId: ID, leaseToken: ID, state: "unknown" },
  beatPresence: { ...ofRuntime, phase: "idle", threads: [] },
  listOpenCommandsForBridge: ofThread,
  importHistory: { ...ofSession, position: { turn: 0, item: 0 }, turns: [] },
  getImportStatusForBridge: ofThread,
  forkThread: { ...ofThread, newThreadId: ID },
  revertThreadForBridge: { ...ofThread, turnId: null },
} as const satisfies { readonly [Name in Exclude<keyof CodexBridgeApi, typeof ASKED>]: Readonly<FunctionArgs<CodexBridgeApi[Name]>> };

/** A function of bridges that is looked for. */
export type FunctionName = keyof typeof PROBES;

/** How a deployment answers a bridge. */
export type Answers =
  | { readonly type: "ok" }
  | { readonly type: "unreachable" | "notConvex" | "missing" | "forbidden" | "refused"; readonly told: Told };

/** A deployment and one of its app's files. */
export class Deployment {
  readonly #url: string;
  readonly #functions: string;
  readonly #client: ConvexHttpClient;

  constructor(url: string, functions: string) {
    this.#url = url;
    this.#functions = functions;
    this.#client = clientOf(url, CALL_MS);
  }

  /** What a runtime keeps things with, without subscriptions. */
  persistence(deviceToken: string): CodexPersistence {
    return createConvexPersistence(this.#client, apiOf(this.#functions), { deviceToken });
  }

  /** Asks as a bridge does, and writes nothing. @param deviceToken undefined: what holds but for it */
  async ask(deviceToken: string | undefined): Promise<Answers> {
    try {
      await createConvexPersistence(clientOf(this.#url, ANSWER_MS), apiOf(this.#functions), { deviceToken }).listPendingServerRequests({ limit: 1 });
      return { type: "ok" };
    } catch (thrown) {
      const told = tellOf(thrown);
      const types: Readonly<Record<string, "unreachable" | "notConvex" | "missing" | "forbidden">> = {
        E_CLI_NOT_CONVEX: "notConvex",
        E_CLI_DEPLOYMENT_UNREACHABLE: "unreachable",
        E_CLI_FUNCTION_MISSING: "missing",
        E_AUTH_DEVICE_FORBIDDEN: "forbidden",
      };
      return { type: types[told.code] ?? "refused", told };
    }
  }

  /** Whether the app's file exports a function, as far as the deployment tells. @throws where it does not answer */
  async lookFor(name: FunctionName, isAgain = false): Promise<"there" | "missing" | "untold"> {
    const path = `${this.#functions}:${name}`;
    try {
      if (/^(?:get|list)/.test(name)) await this.#client.query(makeFunctionReference<"query">(path), PROBES[name]);
      else await this.#client.mutation(makeFunctionReference<"mutation">(path), PROBES[name]);
      return "there";
    } catch (thrown) {
      const { code } = tellOf(thrown);
      // One connection of many may break: it is asked once more.
      if (code === "E_CLI_DEPLOYMENT_UNREACHABLE" && !isAgain) return await this.lookFor(name, true);
      if (code === "E_CLI_DEPLOYMENT_UNREACHABLE" || code === "E_CLI_NOT_CONVEX") throw thrown;
      if (code === "E_CLI_FUNCTION_MISSING") return "missing";
      return isUntoldFailure(messageOf(thrown)) ? "untold" : "there";
    }
  }

  /** How far this machine's clock is ahead of the deployment's, in milliseconds; undefined where that is not told. */
  async clockAheadMs(): Promise<number | undefined> {
    const before = Date.now();
    const response = await fetch(`${this.#url}/version`, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.arrayBuffer();
    const told = Date.parse(response.headers.get("date") ?? "");
    // The header is of the second that has begun.
    return Number.isNaN(told) ? undefined : Math.round((before + Date.now()) / 2 - told - 500);
  }
}

/** A client whose calls take so long at most. */
function clientOf(url: string, callMs: number): ConvexHttpClient {
  const timed: typeof fetch = async (input, init) => {
    const response = await fetch(input, { ...init, signal: AbortSignal.timeout(callMs) });
    const { status } = response;
    // A deployment answers a call in JSON, whatever it answers; what stands before one may not, where it is in trouble.
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    if (LATER.includes(status) || (status >= 500 && status !== FUNCTION_THREW)) {
      const words = isJson ? `: ${await response.text()}` : "";
      throw new CliError("E_CLI_DEPLOYMENT_UNREACHABLE", `the deployment does not answer (HTTP ${String(status)})${words}`);
    }
    if (isJson) return response;
    throw new CliError("E_CLI_NOT_CONVEX", `what answers at ${shownUrl(url)} is not a Convex deployment (HTTP ${String(status)})`);
  };
  return new ConvexHttpClient(url, { logger: false, skipConvexDeploymentUrlCheck: true, fetch: timed });
}
