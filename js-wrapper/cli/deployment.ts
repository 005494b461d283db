/** The deployment, as commands ask it. */
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { apiOf } from "../runtime/codex-runtime.js";
import { type CodexPersistence, createConvexPersistence } from "../runtime/persistence.js";
import { CliError, tellOf, type Told } from "./errors.js";
import { shownUrl } from "./options.js";
import { oneLine } from "./output.js";

/** Milliseconds in which an address answers, or is told not to. */
const ANSWER_MS = 10_000;
/** Milliseconds that a call may take. */
const CALL_MS = 60_000;
/** HTTP's statuses of what may be answered later, beside those from 500 up: it took too long, and it came too soon. */
const LATER: readonly number[] = [408, 429];
/** SOURCE: convex 1.48, STATUS_CODE_UDF_FAILED: a deployment's own answer, of a function that threw. */
const FUNCTION_THREW = 560;
/** Units that are printed of what a deployment in trouble says. */
const WORDS_MAX = 200;
/** An argument that no function takes: whatever is there refuses it before it runs. */
const PROBE = { convexCodexLocalProbe: true };

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

  /** Those of the functions that the app's file does not export. Each is called with arguments that it must refuse. @throws where it is not known */
  async missing(names: readonly string[]): Promise<string[]> {
    const isMissing = async (name: string, isAgain = false): Promise<boolean> => {
      try {
        await this.#client.mutation(makeFunctionReference<"mutation">(`${this.#functions}:${name}`), PROBE);
        return false;
      } catch (thrown) {
        const { code } = tellOf(thrown);
        // One connection of many may break: it is asked once more.
        if (code === "E_CLI_DEPLOYMENT_UNREACHABLE" && !isAgain) return await isMissing(name, true);
        if (code === "E_CLI_DEPLOYMENT_UNREACHABLE" || code === "E_CLI_NOT_CONVEX") throw thrown;
        return code === "E_CLI_FUNCTION_MISSING";
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

/** A client whose calls take so long at most. */
function clientOf(url: string, callMs: number): ConvexHttpClient {
  const timed: typeof fetch = async (input, init) => {
    const response = await fetch(input, { ...init, signal: AbortSignal.timeout(callMs) });
    const { status } = response;
    // A deployment answers a call in JSON, whatever it answers; what stands before one may not, where it is in trouble.
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    if (LATER.includes(status) || (status >= 500 && status !== FUNCTION_THREW)) {
      const words = isJson ? `: ${oneLine(await response.text(), WORDS_MAX)}` : "";
      throw new CliError("E_CLI_DEPLOYMENT_UNREACHABLE", `the deployment does not answer (HTTP ${String(status)})${words}`);
    }
    if (isJson) return response;
    throw new CliError("E_CLI_NOT_CONVEX", `what answers at ${shownUrl(url)} is not a Convex deployment (HTTP ${String(status)})`);
  };
  return new ConvexHttpClient(url, { logger: false, skipConvexDeploymentUrlCheck: true, fetch: timed });
}
