/** The codex of this machine, as commands run it. */
import { AppServerClient, AppServerError, type ClientRequestResult } from "../app-server/index.js";
import { findBinary } from "../bridge/binary.js";
import { type BridgeConfig, CodexBridgeError, CodexLocalBridge } from "../bridge/index.js";
import type { CommonFlags } from "./options.js";

/** Commands of `codex` itself are run with this; what the shell is told is nobody's text. */
const SHELL = "/bin/sh";

/** Codex said more in a line than is read. */
export const LINE_TOO_LONG = "E_BRIDGE_LINE_TOO_LONG";

type CodexFlags = Pick<CommonFlags, "codexBin" | "cwd" | "envDeny">;

/**
 * How codex is run: though this process makes files for its user alone, with the umask that the user has, for what codex writes into a
 * project others may have to read.
 *
 * @param umask the user's own
 * @throws CodexBridgeError `E_CODEX_NOT_FOUND`
 */
export function codexConfig({ codexBin, cwd = process.cwd(), envDeny = [] }: CodexFlags, umask: number): BridgeConfig & { codexBin: string; args: string[] } {
  const binary = findBinary(codexBin, cwd, process.env);
  if (process.platform === "win32") return { cwd, envDeny, codexBin: binary, args: ["app-server"] };
  const script = `umask ${umask.toString(8).padStart(4, "0")} && exec "$0" "$@"`;
  return { cwd, envDeny, codexBin: SHELL, args: ["-c", script, binary, "app-server"] };
}

/**
 * Runs an app-server for as long as something is asked of it. It keeps nothing: what it says of threads is dropped.
 *
 * @throws what `use` throws; CodexBridgeError where codex cannot be started
 */
export async function withAppServer<Answer>(config: BridgeConfig, use: (client: AppServerClient) => Promise<Answer>): Promise<Answer> {
  let fault: unknown;
  const bridge = new CodexLocalBridge(config, {
    onEvent: () => undefined,
    onGlobalMessage: (message) => void client.accept(message),
    onProtocolError: ({ error }) => {
      // It was the answer: nothing else here is of such a length, and one thing is asked at a time.
      if (error.code === LINE_TOO_LONG) client.rejectAll(error);
      else fault ??= error;
    },
    onProcessExit: () => client.rejectAll(fault ?? "codex ended"),
  });
  const client = new AppServerClient((message) => bridge.send(message));
  bridge.start();
  try {
    return await use(client);
  } catch (thrown) {
    if (isTooLong(thrown)) throw thrown.cause;
    throw thrown instanceof Error && "code" in thrown && thrown.code === "E_APP_SERVER_GONE" && fault !== undefined ? fault : thrown;
  } finally {
    await bridge.stop();
  }
}

/** Who codex is logged in as. */
export function loginOf(client: AppServerClient): Promise<ClientRequestResult<"account/read">> {
  return client.request("account/read", {});
}

/** Whether what was asked of {@link withAppServer}'s codex was answered by a line over the limit. */
export function isTooLong(thrown: unknown): thrown is AppServerError & { readonly cause: CodexBridgeError } {
  return thrown instanceof AppServerError && thrown.cause instanceof CodexBridgeError && thrown.cause.code === LINE_TOO_LONG;
}
