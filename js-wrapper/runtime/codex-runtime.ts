import { ConvexClient } from "convex/browser";
import { anyApi } from "convex/server";
import { WebSocket } from "ws";
import { messageOf } from "../coded-error.js";
import { parseCodexErrorCode } from "../host/codex-error.js";
import { AppHandlers } from "./app-handlers.js";
import { CodexRuntimeError, passedOn } from "./errors.js";
import { type CodexBridgeApi, type CodexPersistenceOptions, createConvexPersistence } from "./persistence.js";
import { CodexHostRuntime } from "./runtime.js";
import type { CodexHostRuntimeOptions, StartArgs } from "./types.js";

/** The app's file that exports the bridge's functions of `defineCodexHost`, where nothing else is said: `convex/chat.ts`. */
export const FUNCTIONS_DEFAULT = "chat";

/** Milliseconds after which it is told that no deployment answers. */
const UNREACHED_MS = 10_000;

/** What a {@link CodexRuntime} is made of: a deployment, the machine's credential, and what every runtime takes. */
export interface CodexRuntimeOptions extends Omit<CodexHostRuntimeOptions, "persistence"> {
  /** The deployment's address: `https://….convex.cloud`. */
  readonly convexUrl: string;
  /** As `issueDeviceToken` gave it, or what gives it at each call. */
  readonly deviceToken: NonNullable<CodexPersistenceOptions["deviceToken"]>;
  /** The app's file that exports the bridge's functions, as a path without its ending, or its generated api. Default: `chat`. */
  readonly functions?: string | CodexBridgeApi;
}

/**
 * A runtime with its own connection to a deployment: see {@link createCodexRuntime}. By `ws`, as convex has it where Node has none: the WebSocket
 * of Node 22 tells of no end of a connection that failed, and the client would never try again. SOURCE: measured, 22.23.3.
 */
export class CodexRuntime extends CodexHostRuntime {
  readonly #client: ConvexClient;
  readonly #tell: (code: string, message: string) => void;
  readonly #url: string;
  #unreached: NodeJS.Timeout | undefined;

  constructor({ convexUrl, deviceToken, functions = FUNCTIONS_DEFAULT, ...options }: CodexRuntimeOptions) {
    const client = new ConvexClient(convexUrl, { webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket });
    const handlers = new AppHandlers(options.handlers);
    const tell = (code: string, message: string, cause?: unknown) => handlers.failed(new CodexRuntimeError(passedOn(code), message, cause));
    const onError = (thrown: unknown) => {
      const code = parseCodexErrorCode(thrown);
      const message = code === null ? messageOf(thrown) : `[${code}] ${messageOf(thrown)}`;
      tell("E_CONVEX_SUBSCRIPTION", message, thrown);
    };
    super({ ...options, persistence: createConvexPersistence(client, apiOf(functions), { deviceToken, onError }) });
    this.#client = client;
    this.#tell = tell;
    this.#url = convexUrl;
  }

  /**
   * As of every runtime. A call waits for the first connection however long that takes, and so nothing fails where there is none: that is
   * told, once (`E_CONVEX_UNREACHABLE`).
   */
  override async start(args: StartArgs): Promise<void> {
    clearTimeout(this.#unreached);
    this.#unreached = setTimeout(() => {
      if (this.#client.connectionState().hasEverConnected) return;
      this.#tell("E_CONVEX_UNREACHABLE", `no Convex deployment answers at ${new URL(this.#url).origin}: what happens is kept, and it is tried again`);
    }, UNREACHED_MS);
    this.#unreached.unref();
    try {
      await super.start(args);
    } catch (error) {
      clearTimeout(this.#unreached);
      throw error;
    }
  }

  override async stop(): Promise<void> {
    clearTimeout(this.#unreached);
    await super.stop();
  }

  /** Stops, and ends the connection: it cannot be started again. @returns a promise that always resolves */
  async close(): Promise<void> {
    await this.stop();
    await this.#client.close();
  }
}

/**
 * Keeps a local Codex in a deployment, in one call.
 *
 * @param options the deployment and the machine's credential; all else has a default
 * @returns a runtime that is not started
 * @example
 * ```ts
 * const runtime = createCodexRuntime({ convexUrl: process.env.CONVEX_URL!, deviceToken: process.env.CODEX_DEVICE_TOKEN!, outboxFolder });
 * await runtime.start({ externalThreadId: "my-thread" });
 * await runtime.ready();
 * ```
 */
export function createCodexRuntime(options: CodexRuntimeOptions): CodexRuntime {
  return new CodexRuntime(options);
}

/** The functions of an app's file: its generated api, or its path. */
export function apiOf(functions: string | CodexBridgeApi): CodexBridgeApi {
  if (typeof functions !== "string") return functions;
  let file: unknown = anyApi;
  for (const part of functions.split("/")) file = (file as Record<string, unknown>)[part];
  return file as CodexBridgeApi;
}
