// A query that breaks its hook's contract does not compile, and what an app may give is what its own function takes.
import type { FunctionReference, PaginationOptions } from "convex/server";
import { renderToString } from "react-dom/server";
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { HostActorContext } from "../../js-wrapper/host/convex.js";
import {
  useCodexAutoResume,
  useCodexMessages,
  useCodexReasoning,
  useCodexStreamingMessages,
  useCodexStreamingReasoning,
  useCodexThreads,
  useCodexThreadState,
  useCodexTurn,
  type CodexMessagesPage,
  type CodexReasoningOverlaySegment,
  type CodexReasoningPage,
  type CodexResumedStream,
  type CodexStreamArgs,
  type CodexThreadsPage,
  type CodexUIMessage,
} from "../../js-wrapper/react/index.js";
import type { CodexDurableMessageLike } from "../../js-wrapper/mapping/index.js";
import { api } from "./host-api.js";

type Query<Args extends Record<string, unknown>, Answer> = FunctionReference<"query", "public", Args, Answer>;
type Paged<Args = object> = Args & { threadId: string; paginationOpts: PaginationOptions };
type Streamed<Args = object> = Paged<Args> & { streamArgs?: CodexStreamArgs };

/** The golden path's functions, in which a client says who it is. */
declare const golden: {
  messages: Query<Streamed<{ actor: HostActorContext }>, CodexMessagesPage & { streams: CodexMessagesPage["streams"] }>;
  reasoning: Query<Streamed<{ actor: HostActorContext; includeRaw?: boolean }>, CodexReasoningPage>;
  threads: Query<{ actor: HostActorContext; paginationOpts: PaginationOptions }, CodexThreadsPage>;
  state: Query<{ actor: HostActorContext; threadId: string }, { threadId: string }>;
  turn: Query<{ actor: HostActorContext; threadId: string; turnId: string }, CodexDurableMessageLike[]>;
  resume: Query<{ actor: HostActorContext; threadId: string; turnId: string; fromCursor: number }, CodexResumedStream | null>;
};
/** What break the contract. */
declare const broken: {
  unpaged: Query<{ threadId: string }, CodexMessagesPage>;
  rowsOnly: Query<Streamed, CodexDurableMessageLike[]>;
  otherRows: Query<Streamed, { page: { id: string }[]; isDone: boolean; continueCursor: string; streams: undefined }>;
  otherThreads: Query<{ paginationOpts: PaginationOptions }, { page: { id: string }[]; isDone: boolean; continueCursor: string }>;
  noStreams: Query<Paged, CodexMessagesPage & { streams: undefined }>;
  streamsUntold: Query<Streamed, { page: []; isDone: boolean; continueCursor: string }>;
  ofNoThread: Query<{ id: string }, unknown>;
  threadIsNumber: Query<{ threadId: number }, unknown>;
  rawIsText: Query<Streamed<{ includeRaw?: string }>, CodexReasoningPage>;
  wholeThread: Query<{ threadId: string }, CodexDurableMessageLike[]>;
  fromStart: Query<{ threadId: string; turnId: string }, CodexResumedStream>;
  noCursor: Query<{ threadId: string; turnId: string; fromCursor: number }, Omit<CodexResumedStream, "nextCursor">>;
  hidden: FunctionReference<"query", "internal", Streamed, CodexMessagesPage>;
  mutation: FunctionReference<"mutation", "public", Streamed, CodexMessagesPage>;
};

const PAGE = { initialNumItems: 10 };
const actor: HostActorContext = { tenantId: "demo", userId: "demo", deviceId: "web" };
const thread = { threadId: "t" };
const turn = { threadId: "t", turnId: "u" };

/** Never called: the compiler is the test. */
export function useMessagesContract() {
  useCodexMessages(api.chat.listThreadMessagesForHooks, thread, PAGE);
  useCodexMessages(golden.messages, { actor, ...thread }, PAGE);
  // @ts-expect-error An argument of the app's function is missing.
  useCodexMessages(golden.messages, thread, PAGE);
  // @ts-expect-error The app's function takes no actor.
  useCodexMessages(api.chat.listThreadMessagesForHooks, { actor, threadId: "t" }, PAGE);
  // @ts-expect-error The hook gives it itself.
  useCodexMessages(api.chat.listThreadMessagesForHooks, { threadId: "t", streamArgs: { kind: "list" } }, PAGE);
  // @ts-expect-error It takes no page.
  useCodexMessages(broken.unpaged, thread, PAGE);
  // @ts-expect-error It answers no page.
  useCodexMessages(broken.rowsOnly, thread, PAGE);
  // @ts-expect-error Its rows are no messages.
  useCodexMessages(broken.otherRows, thread, PAGE);
  // @ts-expect-error It is not public.
  useCodexMessages(broken.hidden, thread, PAGE);
  // @ts-expect-error It is no query.
  useCodexMessages(broken.mutation, thread, PAGE);
  // @ts-expect-error How many to load first is not said.
  useCodexMessages(api.chat.listThreadMessagesForHooks, thread, {});
}

export function useReasoningContract() {
  const { results } = useCodexReasoning(api.chat.listThreadReasoningForHooks, { ...thread, includeRaw: true }, PAGE);
  expectTypeOf(results).toEqualTypeOf<CodexReasoningOverlaySegment[]>();
  useCodexReasoning(golden.reasoning, { actor, ...thread }, { ...PAGE, stream: true });
  // @ts-expect-error An argument of the app's function is missing.
  useCodexReasoning(golden.reasoning, thread, PAGE);
  // @ts-expect-error It is true or false.
  useCodexReasoning(golden.reasoning, { actor, threadId: "t", includeRaw: "yes" }, PAGE);
  // @ts-expect-error The hook gives it itself.
  useCodexReasoning(api.chat.listThreadReasoningForHooks, { threadId: "t", paginationOpts: { cursor: null, numItems: 1 } }, PAGE);
  // @ts-expect-error Its rows are messages.
  useCodexReasoning(api.chat.listThreadMessagesForHooks, thread, PAGE);
  // @ts-expect-error It takes no page.
  useCodexReasoning(broken.unpaged, thread, PAGE);
  // @ts-expect-error `includeRaw` is of another type.
  useCodexReasoning(broken.rawIsText, thread, PAGE);
}

export function useThreadsContract() {
  useCodexThreads(api.chat.listThreadsForHooks, { parentThreadId: null }, PAGE);
  useCodexThreads(golden.threads, { actor }, PAGE);
  // @ts-expect-error An argument of the app's function is missing.
  useCodexThreads(golden.threads, {}, PAGE);
  // @ts-expect-error Its rows are no threads.
  useCodexThreads(broken.otherThreads, {}, PAGE);
  // @ts-expect-error It takes no page.
  useCodexThreads(broken.unpaged, thread, PAGE);
}

export function useStreamingContract() {
  const messages = useCodexStreamingMessages(api.chat.listThreadMessagesForHooks, thread, { startOrder: 3, enabled: true });
  expectTypeOf(messages.results).items.toHaveProperty("lastCursor").toEqualTypeOf<number>();
  useCodexStreamingMessages(golden.messages, { actor, ...thread });
  useCodexStreamingMessages(api.chat.listThreadReasoningForHooks, thread);
  // @ts-expect-error An argument of the app's function is missing.
  useCodexStreamingMessages(golden.messages, thread);
  // @ts-expect-error It takes no `streamArgs`.
  useCodexStreamingMessages(broken.noStreams, thread);
  // @ts-expect-error It answers no streams.
  useCodexStreamingMessages(broken.streamsUntold, thread);
  // @ts-expect-error Raw is for reasoning.
  useCodexStreamingMessages(api.chat.listThreadMessagesForHooks, thread, { includeRaw: true });

  const reasoning = useCodexStreamingReasoning(api.chat.listThreadMessagesForHooks, thread, { includeRaw: true });
  expectTypeOf(reasoning.results).toEqualTypeOf<CodexReasoningOverlaySegment[]>();
  useCodexStreamingReasoning(golden.messages, { actor, ...thread });
  // @ts-expect-error An argument of the app's function is missing.
  useCodexStreamingReasoning(golden.messages, thread);
  // @ts-expect-error It takes no `streamArgs`.
  useCodexStreamingReasoning(broken.noStreams, thread);
  // @ts-expect-error It answers no streams.
  useCodexStreamingReasoning(broken.streamsUntold, thread);
}

export function useStateContract() {
  const state = useCodexThreadState(api.chat.threadSnapshot, thread);
  expectTypeOf(state).not.toBeAny();
  expectTypeOf<NonNullable<typeof state>["threadStatus"]>().toEqualTypeOf<"active" | "archived" | "missing">();
  expectTypeOf(useCodexThreadState(golden.state, { actor, ...thread })).toEqualTypeOf<{ threadId: string } | undefined>();
  // @ts-expect-error An argument of the app's function is missing.
  useCodexThreadState(golden.state, thread);
  // @ts-expect-error It is of no thread.
  useCodexThreadState(broken.ofNoThread, { id: "t" });
  // @ts-expect-error A thread's id is a string.
  useCodexThreadState(broken.threadIsNumber, { threadId: 1 });
}

export function useTurnContract() {
  const { messages, threadState } = useCodexTurn(api.chat.listTurnMessagesForHooks, turn, api.chat.threadSnapshot, thread);
  expectTypeOf(messages).toEqualTypeOf<CodexUIMessage[]>();
  expectTypeOf(threadState).not.toBeAny();
  useCodexTurn(golden.turn, { actor, ...turn }, golden.state, { actor, ...thread });
  // @ts-expect-error An argument of the messages' function is missing.
  useCodexTurn(golden.turn, turn, golden.state, "skip");
  // @ts-expect-error An argument of the state's function is missing.
  useCodexTurn(golden.turn, "skip", golden.state, thread);
  // @ts-expect-error It is of a thread, not of a turn.
  useCodexTurn(broken.wholeThread, thread, golden.state, "skip");
  // @ts-expect-error It answers a page.
  useCodexTurn(api.chat.listThreadMessagesForHooks, "skip", golden.state, "skip");
}

export function useResumeContract() {
  useCodexAutoResume(api.chat.resumeStreamReplay, turn, { initialCursor: 0, maxDeltas: 100, enabled: false });
  useCodexAutoResume(golden.resume, { actor, ...turn });
  // @ts-expect-error An argument of the app's function is missing.
  useCodexAutoResume(golden.resume, turn);
  // @ts-expect-error The hook gives it itself.
  useCodexAutoResume(api.chat.resumeStreamReplay, { threadId: "t", turnId: "u", fromCursor: 0 });
  // @ts-expect-error It takes no cursor.
  useCodexAutoResume(broken.fromStart, turn);
  // @ts-expect-error It does not say where to go on.
  useCodexAutoResume(broken.noCursor, turn);
}

describe("server rendering", () => {
  it.each<[string, () => unknown]>([
    ["useCodexMessages", () => useCodexMessages(api.chat.listThreadMessagesForHooks, thread, { ...PAGE, stream: true }).status],
    ["useCodexReasoning", () => useCodexReasoning(api.chat.listThreadReasoningForHooks, thread, { ...PAGE, stream: true }).status],
    ["useCodexThreads", () => useCodexThreads(api.chat.listThreadsForHooks, {}, PAGE).status],
    ["useCodexStreamingMessages", () => useCodexStreamingMessages(api.chat.listThreadMessagesForHooks, thread).results.length],
    ["useCodexStreamingReasoning", () => useCodexStreamingReasoning(api.chat.listThreadMessagesForHooks, thread, { startOrder: 0 }).results.length],
    ["useCodexThreadState", () => useCodexThreadState(api.chat.threadSnapshot, thread) ?? "none"],
    ["useCodexTurn", () => useCodexTurn(api.chat.listTurnMessagesForHooks, turn, api.chat.threadSnapshot, thread).status],
    ["useCodexAutoResume", () => useCodexAutoResume(api.chat.resumeStreamReplay, turn).cursor],
  ])("%s is as it is while it loads", async (_, use) => {
    // The real client: on a server it opens no connection by being rendered.
    const client = new ConvexReactClient("https://example.invalid");
    const Shown = () => <p>{String(use())}</p>;
    const html = renderToString(
      <ConvexProvider client={client}>
        <Shown />
      </ConvexProvider>,
    );
    expect(html).toMatch(/^<p>(LoadingFirstPage|0|none|unknown)<\/p>$/);
    await client.close();
  });
});
