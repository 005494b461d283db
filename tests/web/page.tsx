/** The example's whole page in jsdom, over the real client of Convex. What the deployment answers is scripted, function by function. */
import { act, cleanup, configure, render } from "@testing-library/react";
import type { FunctionArgs, FunctionReturnType } from "convex/server";
import { vi } from "vitest";
import type { api } from "../../example/convex/_generated/api.js";
import { App } from "../../example/web/src/app.js";
import { Loopback } from "../react/loopback-convex.js";

/** A machine that is busy takes its time. */
const PATIENCE_MS = 20_000;
configure({ asyncUtilTimeout: PATIENCE_MS });
vi.setConfig({ testTimeout: 2 * PATIENCE_MS });

type Chat = typeof api.chat;
type Answers = { [Name in keyof Chat]?: (args: FunctionArgs<Chat[Name]>) => FunctionReturnType<Chat[Name]> } & { viewer?: () => { name: string; isDemo: boolean } | null };

const END = { isDone: true, continueCursor: "" };
const NO_PAGE = { page: [], ...END };

/** A deployment with one thread, `thread-1`, called First, in which nothing was said. */
const QUIET: Answers = {
  viewer: () => ({ name: "somebody", isDemo: false }),
  listThreadsForHooks: () => ({ ...NO_PAGE, page: [{ threadId: "thread-1", status: "active", updatedAt: 1, name: "First" }] }),
  listPendingServerRequestsForHooks: () => [],
  listPresence: () => [],
  getThread: ({ threadId }) => ({ threadId, status: "active", createdAt: 1, updatedAt: 1, name: "First" }),
  getPresence: () => ({ machine: "never", bridge: "unknown", codex: "unknown", login: "unknown", thread: "nowhere" }),
  listThreadMessagesForHooks: () => ({ ...NO_PAGE, threadStatus: "active" }) as never,
  listPendingApprovalsForHooks: () => NO_PAGE,
  listCommands: () => NO_PAGE,
  listDecidedRequestsForHooks: () => NO_PAGE,
  listTurns: () => [],
};

export interface ShownPage {
  /** What the deployment answers from the next call on. */
  answers: Answers;
  readonly deployment: Loopback;
  /** Lets what changed arrive. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the page.
 *
 * @param given what is answered otherwise than by a quiet deployment
 * @param hash what the address says beside the deployment: `thread=thread-1`
 */
export async function openPage(given: Answers = {}, hash = ""): Promise<ShownPage> {
  stubBrowser();
  location.hash = `url=https://loopback.invalid&${hash}`;
  const call = (name: string, args: Record<string, unknown>): unknown => {
    const answer = { ...QUIET, ...page.answers }[name.split(":")[1] as keyof Answers] as ((args: Record<string, unknown>) => unknown) | undefined;
    if (answer === undefined) throw new Error(`nothing is scripted for ${name}`);
    return answer(args);
  };
  const deployment = new Loopback({ query: call, mutation: call });
  const refresh = () => act(() => deployment.refresh());
  const page: ShownPage = {
    answers: given,
    deployment,
    refresh,
    async close() {
      cleanup();
      location.hash = "";
      await deployment.close();
    },
  };
  const connect = () => deployment.connect();
  render(<App connect={connect} />);
  await refresh();
  return page;
}

/** What jsdom does not have, and the page asks for. Nothing is ever in view, or changes its size. */
function stubBrowser(): void {
  class Observer {
    observe() {}
    unobserve() {}
    disconnect() {}
  }
  Object.assign(globalThis, { IntersectionObserver: Observer, ResizeObserver: Observer });
}
