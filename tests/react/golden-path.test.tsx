import { act, cleanup, render } from "@testing-library/react";
import { ConvexProvider } from "convex/react";
import type { ApiFromModules } from "convex/server";
import { anyApi, componentsGeneric, paginationOptsValidator, queryGeneric } from "convex/server";
import { v } from "convex/values";
import { afterEach, expect, it } from "vitest";
import type { CodexComponent } from "../../js-wrapper/host/convex.js";
import {
  listThreadMessagesForHooksForActor,
  vHostActorContext,
  vHostStreamArgs,
  vHostSyncRuntimeOptions,
} from "../../js-wrapper/host/convex.js";
import { useCodexMessages } from "../../js-wrapper/react/index.js";
import { FakeConvex, FakeHost } from "./fake-convex.js";

// The query of the golden path's chat.ts, and the types that code generation makes of it.
const components = componentsGeneric() as unknown as { codexLocal: CodexComponent };
const _listThreadMessagesForHooks = queryGeneric({
  args: {
    actor: vHostActorContext,
    threadId: v.string(),
    paginationOpts: paginationOptsValidator,
    streamArgs: vHostStreamArgs,
    runtime: v.optional(vHostSyncRuntimeOptions),
  },
  handler: async (ctx, args) =>
    listThreadMessagesForHooksForActor(ctx, components.codexLocal, {
      actor,
      threadId: args.threadId,
      paginationOpts: args.paginationOpts,
      streamArgs: args.streamArgs,
      runtime: args.runtime,
    }),
});
const api = anyApi as unknown as ApiFromModules<{
  chat: { listThreadMessagesForHooks: typeof _listThreadMessagesForHooks };
}>;

const actor = { tenantId: "demo", userId: "demo", deviceId: "web-1" };

export function Chat({ threadId }: { threadId: string }) {
  const messages = useCodexMessages(
    api.chat.listThreadMessagesForHooks,
    { actor, threadId },
    { initialNumItems: 30, stream: true },
  );

  return (
    <div>
      {messages.results.map((msg) => (
        <div key={msg._id}>{msg.text}</div>
      ))}
    </div>
  );
}

export function OtherCalls({ threadId }: { threadId: string | null }) {
  useCodexMessages(
    api.chat.listThreadMessagesForHooks,
    threadId === null ? "skip" : { actor, threadId, runtime: { maxDeltasPerStreamRead: 10 } },
    { initialNumItems: 30 },
  );
  // @ts-expect-error The app's own arguments are checked.
  useCodexMessages(api.chat.listThreadMessagesForHooks, { actor }, { initialNumItems: 30 });
  useCodexMessages(
    api.chat.listThreadMessagesForHooks,
    // @ts-expect-error The hook gives these itself.
    { actor, threadId: "t", paginationOpts: { cursor: null, numItems: 1 } },
    { initialNumItems: 30 },
  );
  const { results, status, loadMore } = useCodexMessages(
    anyApi["chat"]!["untyped"] as typeof api.chat.listThreadMessagesForHooks,
    "skip",
    { initialNumItems: 30 },
  );
  if (status === "CanLoadMore") loadMore(results.length);
  return null;
}

afterEach(cleanup);

it("the golden path's component compiles and shows the thread live", async () => {
  const host = new FakeHost();
  host.put("thread", { messageId: "u", role: "user", text: "Say hello" });
  host.put("thread", { messageId: "a", status: "streaming" });
  const convex = new FakeConvex(host.serve);
  const { container } = render(
    <ConvexProvider client={convex.client}>
      <Chat threadId="thread" />
    </ConvexProvider>,
  );
  for (const word of ["Hel", "lo"]) {
    host.say("thread", "a", word);
    for (let i = 0; i < 5; i += 1) await act(() => convex.flush());
  }
  const shown = [...container.querySelectorAll("div > div > div")].map((div) => div.textContent);
  expect(shown).toEqual(["Say hello", "Hello"]);
});
