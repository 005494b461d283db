/** The deployment, as commands ask it. */
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { apiOf } from "../runtime/codex-runtime.js";
import { type CodexPersistence, createConvexPersistence } from "../runtime/persistence.js";
import { tellOf, type Told } from "./errors.js";

/** Milliseconds in which an address answers, or is told not to. */
const ANSWER_MS = 10_000;
/** Milliseconds that a call may take. */
const CALL_MS = 60_000;
/** An argument that no function takes: whatever is there refuses it before it runs. */
const PROBE = { convexCodexLocalProbe: true };

/** How a deployment answers a bridge. */
export type Answers =
  | { readonly type: "ok" }
  | { readonly type: "unreachable" | "missing" | "forbidden" | "refused"; readonly told: Told };

/** A deployment and one of its app's files. */
export class Deployment {
  readonly #url: string;
  readonly #functions: string;
  readonly #client: ConvexHttpClient;

  constructor(url: string, functions: string) {
    this.#url = url;
    this.#functions = functions;
    const timed: typeof fetch = (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(CALL_MS) });
    this.#client = new ConvexHttpClient(url, { logger: false, skipConvexDeploymentUrlCheck: true, fetch: timed });
  }

  /** What a runtime keeps things with, without subscriptions. */
  persistence(deviceToken: string): CodexPersistence {
    return createConvexPersistence(this.#client, apiOf(this.#functions), { deviceToken });
  }

  /** Asks as a bridge does, and writes nothing. @param deviceToken undefined: what holds but for it */
  async ask(deviceToken: string | undefined): Promise<Answers> {
    try {
      await createConvexPersistence(this.#client, apiOf(this.#functions), { deviceToken }).listPendingServerRequests({ limit: 1 });
      return { type: "ok" };
    } catch (thrown) {
      const told = tellOf(thrown);
      const types: Readonly<Record<string, "unreachable" | "missing" | "forbidden">> = {
        E_CLI_DEPLOYMENT_UNREACHABLE: "unreachable",
        E_CLI_FUNCTION_MISSING: "missing",
        E_AUTH_DEVICE_FORBIDDEN: "forbidden",
      };
      return { type: types[told.code] ?? "refused", told };
    }
  }

  /** Those of the functions that the app's file does not export. Each is called with arguments that it must refuse. */
  async missing(names: readonly string[]): Promise<string[]> {
    const isMissing = async (name: string): Promise<boolean> => {
      try {
        await this.#client.mutation(makeFunctionReference<"mutation">(`${this.#functions}:${name}`), PROBE);
        return false;
      } catch (thrown) {
        return tellOf(thrown).code === "E_CLI_FUNCTION_MISSING";
      }
    };
    const found = await Promise.all(names.map(async (name) => ((await isMissing(name)) ? [name] : [])));
    return found.flat();
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
