import type { AppServerClient, ClientRequestMethod, ClientRequestParams, ClientRequestResult } from "../app-server/index.js";
import { AppServerError } from "../app-server/index.js";
import { assertThreadId } from "../app-server/thread-id.js";
import { turnPages } from "../app-server/turn-pages.js";

type Result<Method extends ClientRequestMethod> = Promise<ClientRequestResult<Method>>;
/** Params beside the thread's id. */
type More<Method extends ClientRequestMethod> = Omit<NonNullable<ClientRequestParams<Method>>, "threadId">;

/** What an app asks the app-server for by name: threads and the account. Each rejects with AppServerError. */
export abstract class AppServerCalls {
  /** What the app-server is asked with. @throws CodexRuntimeError `E_RUNTIME_NOT_RUNNING` */
  abstract get appServer(): AppServerClient;

  /** Stops the archive of a thread; its events go on. */
  unarchiveThread(threadId: string): Result<"thread/unarchive"> {
    return this.#ofThread("thread/unarchive", threadId);
  }

  /** Archives a thread; a turn that runs is interrupted. */
  archiveThread(threadId: string): Result<"thread/archive"> {
    return this.#ofThread("thread/archive", threadId);
  }

  /**
   * Takes a thread back by so many turns. The pinned app-server has `thread/rollback` no longer: the n-th last turn is looked up, and the
   * thread reverted to what was before it.
   *
   * @param numTurns 1 or more; more than there are takes all of them back
   * @throws AppServerError `E_UNSUPPORTED_BY_APP_SERVER` of a thread with a legacy history, which can be forked instead
   */
  async rollbackThread(threadId: string, numTurns: number): Promise<ClientRequestResult<"thread/revert"> | null> {
    const first = (await this.#newestTurns(threadId, numTurns)).at(-1);
    if (first === undefined) return null;
    try {
      return await this.#ofThread("thread/revert", threadId, { beforeTurnId: first });
    } catch (thrown) {
      // SOURCE: app-server 0.169.0, -32600 "only supports paginated threads".
      if (!(thrown instanceof AppServerError) || thrown.rpc?.message.includes("paginated") !== true) throw thrown;
      throw new AppServerError("E_UNSUPPORTED_BY_APP_SERVER", "thread/revert", "the thread has a legacy history: fork it instead", { rpc: thrown.rpc });
    }
  }

  /** Reads a thread, which need not be loaded. */
  readThread(threadId: string, includeTurns = false): Result<"thread/read"> {
    return this.#ofThread("thread/read", threadId, { includeTurns });
  }

  /** Lists the threads of the machine, a page at a time. */
  listThreads(params: ClientRequestParams<"thread/list"> = {}): Result<"thread/list"> {
    return this.appServer.request("thread/list", params);
  }

  /** Lists the threads that the process has loaded. */
  listLoadedThreads(params: ClientRequestParams<"thread/loaded/list"> = {}): Result<"thread/loaded/list"> {
    return this.appServer.request("thread/loaded/list", params);
  }

  /** Who is logged in. */
  readAccount({ refreshToken = false }: { refreshToken?: boolean } = {}): Result<"account/read"> {
    return this.appServer.request("account/read", { refreshToken });
  }

  /** Begins a login. */
  loginAccount(params: ClientRequestParams<"account/login/start">): Result<"account/login/start"> {
    return this.appServer.request("account/login/start", params);
  }

  /** Ends a login that was begun. */
  cancelAccountLogin({ loginId }: { loginId: string }): Result<"account/login/cancel"> {
    return this.appServer.request("account/login/cancel", { loginId });
  }

  /** Logs out. */
  logoutAccount(): Result<"account/logout"> {
    return this.appServer.request("account/logout");
  }

  /** What is left of the account's limits. */
  readAccountRateLimits(): Result<"account/rateLimits/read"> {
    return this.appServer.request("account/rateLimits/read");
  }

  /** The ids of a thread's newest turns, newest first. */
  async #newestTurns(threadId: string, count: number): Promise<string[]> {
    const ids: string[] = [];
    for await (const { data } of turnPages((page) => this.#ofThread("thread/turns/list", threadId, { ...page, sortDirection: "desc" }), count)) {
      ids.push(...data.map(({ id }) => id));
      if (ids.length >= count) break;
    }
    return ids.slice(0, count);
  }

  async #ofThread<Method extends "thread/unarchive" | "thread/archive" | "thread/turns/list" | "thread/revert" | "thread/read">(
    method: Method,
    threadId: string,
    more?: More<Method>,
  ): Result<Method> {
    assertThreadId(threadId);
    return (await this.appServer.requestUntyped(method, { threadId, ...more })) as ClientRequestResult<Method>;
  }
}
