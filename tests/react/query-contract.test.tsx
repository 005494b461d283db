// A query that breaks its hook's contract does not compile, and what an app may give is what its own function takes.
import type { FunctionReference, PaginationOptions } from "convex/server";
import { renderToString } from "react-dom/server";
import { ConvexProvider, ConvexReactClient } from "convex/react";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { HostActorContext } from "../../js-wrapper/host/convex.js";
import type { CodexApproval, CodexCommand, CodexPresence, CodexMachine, CodexServerRequest, CodexThread } from "../../js-wrapper/host/component.js";
import {
  useCodexAccount,
  useCodexApprovals,
  useCodexAutoResume,
  useCodexCommands,
  useCodexDecisions,
  useCodexDynamicTools,
  useCodexIngestHealth,
  useCodexMessages,
  useCodexPresence,
  useCodexReasoning,
  useCodexServerRequests,
  useCodexStreamingMessages,
  useCodexStreamingReasoning,
  useCodexThread,
  useCodexThreadPresence,
  useCodexThreads,
  useCodexThreadState,
  useCodexTokenUsage,
  useCodexTurn,
  type CodexApprovalsPage,
  type CodexCommandsPage,
  type CodexCommandView,
  type CodexDecisionsPage,
  type CodexDecisionView,
  type CodexMessagesPage,
  type CodexReasoningOverlaySegment,
  type CodexReasoningPage,
  type CodexResumedStream,
  type CodexStreamArgs,
  type CodexServerRequestView,
  type CodexThreadsPage,
  type CodexThreadView,
  type CodexTokenUsagePage,
  type CodexTurnUsage,
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
  commands: Query<Paged<{ actor: HostActorContext; open?: true }>, CodexCommandsPage & { total: number }>;
  decisions: Query<Paged<{ actor: HostActorContext }>, CodexDecisionsPage>;
  approvals: Query<{ actor: HostActorContext; threadId?: string; paginationOpts: PaginationOptions }, CodexApprovalsPage<CodexApproval & { team: string }>>;
  requests: Query<{ actor: HostActorContext; threadId?: string; limit?: number }, CodexServerRequest[]>;
  machines: Query<{ actor: HostActorContext }, CodexMachine[]>;
  presence: Query<{ actor: HostActorContext; threadId: string }, CodexPresence>;
  thread: Query<{ actor: HostActorContext; threadId: string }, CodexThread | null>;
  usage: Query<Paged<{ actor: HostActorContext }>, CodexTokenUsagePage>;
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
  allCommands: Query<{ threadId: string }, CodexCommandsPage>;
  openIsText: Query<Paged<{ open?: string }>, CodexCommandsPage>;
  stateUntold: Query<Paged, { page: Omit<CodexCommand, "state">[]; isDone: boolean; continueCursor: string }>;
  commandsAtOnce: Query<Paged, CodexCommand[]>;
  pageOfRequests: Query<{ threadId?: string; limit?: number }, { page: CodexServerRequest[]; isDone: boolean; continueCursor: string }>;
  requestUnnamed: Query<{ threadId?: string }, Omit<CodexServerRequest, "requestId">[]>;
  limitIsText: Query<{ threadId?: string; limit?: string }, CodexServerRequest[]>;
  oneMachine: Query<Record<string, never>, CodexMachine>;
  awayUntold: Query<Record<string, never>, Omit<CodexMachine, "away">[]>;
  manyPresences: Query<{ threadId?: string }, CodexPresence[]>;
  presenceOfNumber: Query<{ threadId?: number }, CodexPresence>;
  unknownPresence: Query<{ threadId?: string }, CodexPresence | null>;
  threadsOfName: Query<{ threadId: string }, CodexThread[]>;
  nameAlone: Query<{ threadId: string }, { name: string }>;
  turnsAlone: Query<Paged, { page: CodexTurnUsage[]; isDone: boolean; continueCursor: string }>;
  usageAtOnce: Query<{ threadId: string }, CodexTokenUsagePage>;
  hiddenThread: FunctionReference<"query", "internal", { threadId: string }, CodexThread | null>;
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

export function useCommandsContract() {
  const { results } = useCodexCommands(api.chat.listCommands, { ...thread, open: true }, PAGE);
  expectTypeOf(results).toEqualTypeOf<CodexCommandView[]>();
  useCodexCommands(golden.commands, { actor, ...thread }, PAGE);
  // @ts-expect-error An argument of the app's function is missing.
  useCodexCommands(golden.commands, thread, PAGE);
  // @ts-expect-error The app's function takes no actor.
  useCodexCommands(api.chat.listCommands, { actor, threadId: "t" }, PAGE);
  // @ts-expect-error The hook gives it itself.
  useCodexCommands(api.chat.listCommands, { threadId: "t", paginationOpts: { cursor: null, numItems: 1 } }, PAGE);
  // @ts-expect-error Those that are not open are not to be asked for alone.
  useCodexCommands(api.chat.listCommands, { threadId: "t", open: false }, PAGE);
  // @ts-expect-error It takes no page.
  useCodexCommands(broken.allCommands, thread, PAGE);
  // @ts-expect-error `open` is of another type.
  useCodexCommands(broken.openIsText, thread, PAGE);
  // @ts-expect-error It does not say what became of a command.
  useCodexCommands(broken.stateUntold, thread, PAGE);
  // @ts-expect-error It answers no page.
  useCodexCommands(broken.commandsAtOnce, thread, PAGE);
  // @ts-expect-error Its rows are decisions.
  useCodexCommands(api.chat.listDecidedRequestsForHooks, thread, PAGE);
}

export function useDecisionsContract() {
  const { results } = useCodexDecisions(api.chat.listDecidedRequestsForHooks, thread, PAGE);
  expectTypeOf(results).toEqualTypeOf<CodexDecisionView[]>();
  useCodexDecisions(golden.decisions, { actor, ...thread }, PAGE);
  // @ts-expect-error An argument of the app's function is missing.
  useCodexDecisions(golden.decisions, thread, PAGE);
  // @ts-expect-error The app's function takes no actor.
  useCodexDecisions(api.chat.listDecidedRequestsForHooks, { actor, threadId: "t" }, PAGE);
  // @ts-expect-error Of which thread is not said.
  useCodexDecisions(api.chat.listDecidedRequestsForHooks, {}, PAGE);
  // @ts-expect-error Its rows are commands.
  useCodexDecisions(api.chat.listCommands, thread, PAGE);
  // @ts-expect-error It takes no page.
  useCodexDecisions(broken.pageOfRequests, thread, PAGE);
}

export function useApprovalsContract() {
  const { listPendingApprovalsForHooks, respondApprovalForHooks } = api.chat;
  useCodexApprovals(listPendingApprovalsForHooks, {}, respondApprovalForHooks, PAGE);
  const { results } = useCodexApprovals(golden.approvals, { actor, ...thread }, respondApprovalForHooks, PAGE);
  expectTypeOf(results).items.toHaveProperty("team").toEqualTypeOf<string>();
  // @ts-expect-error An argument of the app's function is missing.
  useCodexApprovals(golden.approvals, thread, respondApprovalForHooks, PAGE);
  // @ts-expect-error Its rows are commands.
  useCodexApprovals(api.chat.listCommands, thread, respondApprovalForHooks, PAGE);
  // @ts-expect-error It answers no page.
  useCodexApprovals(api.chat.listPendingServerRequestsForHooks, thread, respondApprovalForHooks, PAGE);
  // @ts-expect-error It is no mutation.
  useCodexApprovals(listPendingApprovalsForHooks, thread, golden.thread, PAGE);
}

export function useRequestsContract() {
  const { listPendingServerRequestsForHooks, sendCommand } = api.chat;
  const { results } = useCodexServerRequests(listPendingServerRequestsForHooks, {}, sendCommand);
  expectTypeOf(results).toEqualTypeOf<CodexServerRequestView[]>();
  useCodexServerRequests(golden.requests, { actor, ...thread, limit: 5 }, sendCommand);
  // @ts-expect-error An argument of the app's function is missing.
  useCodexServerRequests(golden.requests, thread, sendCommand);
  // @ts-expect-error The app's function takes no actor.
  useCodexServerRequests(listPendingServerRequestsForHooks, { actor, threadId: "t" }, sendCommand);
  // @ts-expect-error It answers a page.
  useCodexServerRequests(broken.pageOfRequests, thread, sendCommand);
  // @ts-expect-error It does not say which request it is.
  useCodexServerRequests(broken.requestUnnamed, thread, sendCommand);
  // @ts-expect-error `limit` is of another type.
  useCodexServerRequests(broken.limitIsText, thread, sendCommand);
  // @ts-expect-error It does not answer which command it made.
  useCodexServerRequests(listPendingServerRequestsForHooks, thread, api.chat.respondApprovalForHooks);

  useCodexDynamicTools(golden.requests, { actor, ...thread }, sendCommand, { weather: () => "Sunny." });
  // @ts-expect-error An argument of the app's function is missing.
  useCodexDynamicTools(golden.requests, thread, sendCommand, {});
  // @ts-expect-error It answers a page.
  useCodexDynamicTools(broken.pageOfRequests, thread, sendCommand, {});
  // @ts-expect-error A tool answers with words.
  useCodexDynamicTools(listPendingServerRequestsForHooks, thread, sendCommand, { weather: () => 21 });
}

export function usePresenceContract() {
  const { machines } = useCodexPresence(api.chat.listPresence, {});
  expectTypeOf(machines).toEqualTypeOf<readonly CodexMachine[]>();
  useCodexPresence(golden.machines, { actor });
  // @ts-expect-error An argument of the app's function is missing.
  useCodexPresence(golden.machines, {});
  // @ts-expect-error It answers one machine.
  useCodexPresence(broken.oneMachine, {});
  // @ts-expect-error It does not say whether a machine is here.
  useCodexPresence(broken.awayUntold, {});
  // @ts-expect-error It is of one thread.
  useCodexPresence(api.chat.getPresence, thread);

  useCodexAccount(golden.machines, { actor });
  // @ts-expect-error An argument of the app's function is missing.
  useCodexAccount(golden.machines, {});
  // @ts-expect-error It answers one machine.
  useCodexAccount(broken.oneMachine, {});
}

export function useThreadPresenceContract() {
  const { presence } = useCodexThreadPresence(api.chat.getPresence, thread);
  expectTypeOf(presence).toEqualTypeOf<CodexPresence | undefined>();
  useCodexThreadPresence(golden.presence, { actor, ...thread });
  // @ts-expect-error An argument of the app's function is missing.
  useCodexThreadPresence(golden.presence, thread);
  // @ts-expect-error It answers those of many.
  useCodexThreadPresence(broken.manyPresences, thread);
  // @ts-expect-error A thread's id is a string.
  useCodexThreadPresence(broken.presenceOfNumber, { threadId: 1 });
  // @ts-expect-error It may answer nothing.
  useCodexThreadPresence(broken.unknownPresence, thread);

  useCodexIngestHealth(golden.presence, { actor, ...thread }, null);
  // @ts-expect-error An argument of the app's function is missing.
  useCodexIngestHealth(golden.presence, thread);
  // @ts-expect-error It answers those of many.
  useCodexIngestHealth(broken.manyPresences, thread);
  // @ts-expect-error It is not the thread's state.
  useCodexIngestHealth(api.chat.getPresence, thread, { turns: [] });
}

export function useThreadContract() {
  const { thread: found } = useCodexThread(api.chat.getThread, thread);
  expectTypeOf(found).toEqualTypeOf<CodexThreadView | null | undefined>();
  useCodexThread(golden.thread, { actor, ...thread });
  // @ts-expect-error An argument of the app's function is missing.
  useCodexThread(golden.thread, thread);
  // @ts-expect-error The app's function takes no actor.
  useCodexThread(api.chat.getThread, { actor, threadId: "t" });
  // @ts-expect-error Of which thread is not said.
  useCodexThread(api.chat.getThread, {});
  // @ts-expect-error It answers many.
  useCodexThread(broken.threadsOfName, thread);
  // @ts-expect-error It answers no thread.
  useCodexThread(broken.nameAlone, thread);
  // @ts-expect-error It is not public.
  useCodexThread(broken.hiddenThread, thread);
}

export function useUsageContract() {
  const usage = useCodexTokenUsage(api.chat.listTokenUsage, thread, PAGE);
  expectTypeOf(usage.results).toEqualTypeOf<CodexTurnUsage[]>();
  expectTypeOf(usage.thread).toEqualTypeOf<CodexTokenUsagePage["thread"] | undefined>();
  useCodexTokenUsage(golden.usage, { actor, ...thread }, PAGE);
  // @ts-expect-error An argument of the app's function is missing.
  useCodexTokenUsage(golden.usage, thread, PAGE);
  // @ts-expect-error The hook gives it itself.
  useCodexTokenUsage(api.chat.listTokenUsage, { threadId: "t", paginationOpts: { cursor: null, numItems: 1 } }, PAGE);
  // @ts-expect-error It does not say what the thread used.
  useCodexTokenUsage(broken.turnsAlone, thread, PAGE);
  // @ts-expect-error It takes no page.
  useCodexTokenUsage(broken.usageAtOnce, thread, PAGE);
  // @ts-expect-error Its rows are messages.
  useCodexTokenUsage(api.chat.listThreadMessagesForHooks, thread, PAGE);
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
    ["useCodexCommands", () => useCodexCommands(api.chat.listCommands, thread, PAGE).status],
    ["useCodexDecisions", () => useCodexDecisions(api.chat.listDecidedRequestsForHooks, thread, PAGE).status],
    ["useCodexApprovals", () => useCodexApprovals(api.chat.listPendingApprovalsForHooks, thread, api.chat.respondApprovalForHooks, PAGE).status],
    ["useCodexServerRequests", () => useCodexServerRequests(api.chat.listPendingServerRequestsForHooks, thread, api.chat.sendCommand).results.length],
    ["useCodexPresence", () => useCodexPresence(api.chat.listPresence, {}).machines.length],
    ["useCodexThreadPresence", () => useCodexThreadPresence(api.chat.getPresence, thread).reach ?? "none"],
    ["useCodexThread", () => useCodexThread(api.chat.getThread, thread).thread ?? "none"],
    ["useCodexTokenUsage", () => useCodexTokenUsage(api.chat.listTokenUsage, thread, PAGE).status],
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
