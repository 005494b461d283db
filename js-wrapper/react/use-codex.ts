import { useConvex, type ConvexReactClient } from "convex/react";
import { getFunctionName, type FunctionReference, type PaginationOptions } from "convex/server";
import { createContext, createElement, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { parseCodexErrorCode } from "../host/codex-error.js";
import type { CodexApproval, CodexListedTurn, CodexPresence, CodexThreadState } from "../host/component.js";
import { isAbsent, isNotTaken, useWithoutAbsent } from "./absent.js";
import type { CodexActivity } from "./activity.js";
import { keyOfArgs, useLatest, useStableArgs } from "./calls.js";
import { pendingAmong, saidBackOf, type SaidBack } from "./pending-messages.js";
import { codexReach, codexSendWaits, type CodexReach } from "./presence-words.js";
import type { CodexInput } from "./sending.js";
import { codexStatus, type CodexChatStatus } from "./status.js";
import { stopCodexThread, type CodexStopOptions, type CodexStopped } from "./stop.js";
import { useStableSubscription } from "./subscription.js";
import type { CodexMessagesQuery, UseCodexMessagesResult } from "./types.js";
import { useAnswer } from "./use-answer.js";
import { joinCodexCommands, toCommandView, type CodexCommandView } from "./command-words.js";
import { useCodexActivity } from "./use-codex-activity.js";
import { useCodexApprovals, type CodexApprovalRespondMutation, type CodexApprovalsPage, type UseCodexApprovalsResult } from "./use-codex-approvals.js";
import { useCodexCommands, type CodexCommandsQuery, type UseCodexCommandsResult } from "./use-codex-commands.js";
import { useCodexMessages } from "./use-codex-messages.js";
import type { CodexPresenceQuery } from "./use-codex-presence.js";
import { useCodexSend, type CodexCommandMutations, type CodexCommandActions, type CodexSend, type CodexSendMutation, type CodexSendOptions, type CodexSentCommand, type CodexTurnSendOptions } from "./use-codex-send.js";
import { useSame } from "./use-streamed.js";
import { useCodexServerRequests, type CodexServerRequestsQuery, type UseCodexServerRequestsResult } from "./use-codex-server-requests.js";

type ApprovalsQuery = FunctionReference<"query", "public", { threadId?: string | undefined; paginationOpts: PaginationOptions }, CodexApprovalsPage<CodexApproval>>;
type TurnState = CodexThreadState["turns"][number] & Partial<CodexListedTurn>;
type TurnsQuery = FunctionReference<"query", "public", { threadId: string }, TurnState[] | null>;
type SnapshotQuery = FunctionReference<"query", "public", { threadId: string }, Pick<CodexThreadState, "turns"> | null>;

/**
 * What of an app's functions a chat needs, by the names of `defineCodexHost`. Without one of those that need not be there, what
 * it is for is not there either: a generated `api` answers to every name, and is asked.
 */
export interface CodexApi {
  readonly listThreadMessagesForHooks: CodexMessagesQuery;
  readonly sendCommand: CodexSendMutation;
  readonly listCommands: CodexCommandsQuery;
  /** How the thread's turns stand. */
  readonly listTurns?: TurnsQuery;
  /** The same, in an app without `listTurns`: it runs again with every piece of text. */
  readonly threadSnapshot?: SnapshotQuery;
  readonly listPendingApprovalsForHooks?: ApprovalsQuery;
  readonly respondApprovalForHooks?: CodexApprovalRespondMutation;
  readonly listPendingServerRequestsForHooks?: CodexServerRequestsQuery;
  readonly getPresence?: CodexPresenceQuery;
  readonly cancelCommand?: Required<CodexCommandMutations>["cancel"];
  readonly editCommand?: Required<CodexCommandMutations>["edit"];
  readonly promoteCommand?: Required<CodexCommandMutations>["promote"];
}

/** The arguments that all of them take. */
interface ThreadArgs {
  readonly threadId: string;
  readonly [name: string]: unknown;
}

interface Provided {
  readonly api: CodexApi;
  readonly args: object;
}

const NAMES = Object.keys({
  listThreadMessagesForHooks: true,
  sendCommand: true,
  listCommands: true,
  listTurns: true,
  threadSnapshot: true,
  listPendingApprovalsForHooks: true,
  respondApprovalForHooks: true,
  listPendingServerRequestsForHooks: true,
  getPresence: true,
  cancelCommand: true,
  editCommand: true,
  promoteCommand: true,
} satisfies Record<keyof CodexApi, true>) as (keyof CodexApi)[];

function keyOfApi(api: CodexApi): string {
  return JSON.stringify(NAMES.map((name) => [api[name] === undefined ? null : getFunctionName(api[name]), Object.hasOwn(api, name)]));
}

const Context = createContext<Provided | null>(null);
const NO_ARGS = {};

/**
 * Says once which functions of the app the chats below it use.
 *
 * @param props `api`, the app's functions as `defineCodexHost` made them, e.g. `api.chat`; `args`, what all of them take beside
 *   their own, where an app's do
 *
 * @example
 * ```tsx
 * <CodexProvider api={api.chat}>
 *   <Chat threadId={threadId} />
 * </CodexProvider>
 * ```
 */
export function CodexProvider({ api, args = NO_ARGS, children }: { api: CodexApi; args?: object; children?: ReactNode }): ReactNode {
  const stable = useStableArgs(args);
  const key = keyOfApi(api);
  // The names stand for the functions: `api.chat` is a new object at every mention.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const provided = useMemo(() => ({ api, args: stable ?? NO_ARGS }), [key, stable]);
  return createElement(Context.Provider, { value: provided }, children);
}

/** What {@link useCodex} returns. */
export interface UseCodexResult {
  /** Undefined with `"skip"`. */
  readonly threadId: string | undefined;
  /** As `useCodexMessages` has them, running turns followed. */
  readonly messages: UseCodexMessagesResult;
  /** What was sent and is not among the messages yet, oldest first, each with its `text`: it comes behind them. */
  readonly pendingMessages: readonly CodexCommandView[];
  /** How the chat is, in the words of the AI SDK. */
  readonly status: CodexChatStatus;
  /** What codex is doing now. */
  readonly activity: CodexActivity;
  /**
   * Begins a turn, or queues one behind the turn that runs. Where it has to wait, behind a turn or for its machine, it does so up to
   * 24 hours, unless `waitForMachine` says otherwise.
   */
  readonly send: (input: CodexInput, options?: CodexTurnSendOptions) => Promise<CodexSentCommand>;
  /** Says more to the turn that runs; begins one where none does, or where it has ended by then. */
  readonly steer: (input: CodexInput, options?: CodexSendOptions) => Promise<CodexSentCommand>;
  /**
   * Ends the turn that runs, and takes back what waits behind it, so that nothing begins by it. With `keepQueue` what waits stays,
   * and the next of it begins.
   */
  readonly stop: (options?: CodexStopOptions) => Promise<void>;
  /** The turn that runs. */
  readonly runningTurnId: string | undefined;
  /** The thread's turns, newest first, where the app has `listTurns` or `threadSnapshot`; undefined until they are loaded. The first tells why one failed, too. */
  readonly turns: readonly TurnState[] | undefined;
  readonly approvals: UseCodexApprovalsResult<ApprovalsQuery>;
  readonly requests: UseCodexServerRequestsResult;
  /** What was sent, newest first, and what became of it. */
  readonly commands: UseCodexCommandsResult;
  /** What of it is not at its end, newest first, also what `commands` has not loaded. */
  readonly openCommands: readonly CodexCommandView[];
  /** Every way to send, and what is done to what waits; `cancel`, `edit` and `promote` where the app has them. */
  readonly codex: CodexSend & Partial<CodexCommandActions<Required<CodexCommandMutations>>>;
  readonly presence: CodexPresence | undefined;
  /** Whether what is sent arrives; undefined while that is not known. */
  readonly reach: CodexReach | undefined;
  /** What the last call, or a query, failed with. */
  readonly error: Error | undefined;
}

/** How many of each list are loaded first. */
const FIRST_ITEMS = 30;
/** From how many of them on the next may be the first that is not loaded. */
const NEARLY_FULL_ITEMS = 20;
/** What a user may have open at once, in all threads. SOURCE: `src/limits.rs`, COMMANDS_OPEN_MAX. */
const OPEN_ITEMS = 100;

/**
 * Everything that a chat of one thread needs, below a {@link CodexProvider}: what the single hooks return, joined. What the
 * app's functions cannot tell is empty.
 *
 * @param args `threadId` and what else the app's functions take, or `"skip"` while there is no thread.
 * @param options `initialNumItems`: how many messages to load first; 30 where it is not given.
 * @throws Error where no provider is above it: the one thing that is wrong in the code, and not in the world.
 *
 * @example
 * ```tsx
 * function Chat({ threadId }: { threadId: string }) {
 *   const { messages, pendingMessages, status, send, stop } = useCodex({ threadId });
 *   const told = () => undefined; // what was refused is `error`
 *   return (
 *     <>
 *       {messages.results.map(({ _id, text }) => <p key={_id}>{text}</p>)}
 *       {pendingMessages.map(({ commandId, text }) => <p key={commandId}>{text}</p>)}
 *       {status === "ready" || status === "error" ? <button onClick={() => void send("Go on.").catch(told)}>Go on</button> : <button onClick={() => void stop().catch(told)}>Stop</button>}
 *     </>
 *   );
 * }
 * ```
 */
export function useCodex(args: ThreadArgs | "skip", options: { initialNumItems?: number } = {}): UseCodexResult {
  const provided = useContext(Context);
  if (provided === null) throw new Error("useCodex needs a CodexProvider above it");
  const { api, args: common } = provided;
  const { initialNumItems = FIRST_ITEMS } = options;
  const convex = useConvex();
  const given: ThreadArgs | "skip" = args === "skip" ? "skip" : { ...common, ...args };
  /** What is asked of a function that the app may not have. */
  const of = (name: keyof CodexApi) => (api[name] === undefined ? "skip" : given);
  const isNamed = (name: keyof CodexApi) => Object.hasOwn(api, name);
  const isLacking = (name: keyof CodexApi, { error }: { readonly error?: Error | undefined }) => isAbsent(error, isNamed(name));

  const messages = useCodexMessages(api.listThreadMessagesForHooks, given, { initialNumItems, stream: true });
  const commands = useCodexCommands(api.listCommands, given, { initialNumItems: FIRST_ITEMS });
  // What waits may be older than all that is loaded. Where all is loaded it is not asked for twice, unless that may be so no more soon:
  // what is asked for only then would be missing until it is there.
  const isWhole = commands.status !== "CanLoadMore" && commands.status !== "LoadingMore";
  const isNearlyFull = commands.results.length >= NEARLY_FULL_ITEMS && commands.results.length <= FIRST_ITEMS;
  const older = useCodexCommands(api.listCommands, given === "skip" || (isWhole && !isNearlyFull) ? "skip" : { ...given, open: true }, { initialNumItems: OPEN_ITEMS });
  const { cancelCommand: cancel, editCommand: edit, promoteCommand: promote } = api;
  const mutations: CodexCommandMutations = { ...(cancel && { cancel }), ...(edit && { edit }), ...(promote && { promote }) };
  const codex = useCodexSend<CodexSendMutation, CodexCommandMutations>(api.sendCommand, given, mutations) as CodexSend as UseCodexResult["codex"];
  // What is not there is not asked: with "skip" no hook looks at its functions.
  const approvalsQuery = api.listPendingApprovalsForHooks as ApprovalsQuery;
  const respond = (api.respondApprovalForHooks ?? api.sendCommand) as CodexApprovalRespondMutation;
  const approvals = useWithoutAbsent(
    useCodexApprovals(approvalsQuery, of("listPendingApprovalsForHooks"), respond, { initialNumItems: FIRST_ITEMS }),
    isNamed("listPendingApprovalsForHooks"),
  );
  const requestsQuery = api.listPendingServerRequestsForHooks as CodexServerRequestsQuery;
  const requests = useWithoutAbsent(
    useCodexServerRequests(requestsQuery, of("listPendingServerRequestsForHooks"), api.sendCommand),
    isNamed("listPendingServerRequestsForHooks"),
  );
  const listed = useAnswer<readonly TurnState[] | null>(useStableSubscription(api.listTurns as TurnsQuery, of("listTurns")));
  const hasTurns = api.listTurns !== undefined && !isLacking("listTurns", listed);
  const snapshot = useAnswer<Pick<CodexThreadState, "turns"> | null>(useStableSubscription(api.threadSnapshot as SnapshotQuery, hasTurns ? "skip" : of("threadSnapshot")));
  const asked = useAnswer<CodexPresence>(useStableSubscription(api.getPresence as CodexPresenceQuery, of("getPresence")));
  const presence = asked.data;

  const turns: readonly TurnState[] | undefined = listed.data ?? snapshot.data?.turns;
  const sent = useMemo(() => joinCodexCommands(commands.results, older.results), [commands.results, older.results]);
  const openCommands = useMemo(() => sent.filter(({ isOpen }) => isOpen), [sent]);
  const openTurns = useMemo(() => openCommands.filter(({ kind }) => kind === "turn"), [openCommands]);
  const questions = useMemo(() => requests.results.filter(({ kind, status }) => status === "pending" && (kind === "question" || kind === "elicitation")), [requests.results]);
  const activity = useCodexActivity({ messages: messages.results, turns, presence, approvals: approvals.results, questions, openCommands: openTurns });
  const runningTurnId = activity.turnId;
  const saidBefore = useRef<SaidBack | undefined>(undefined);
  const said = useMemo(() => saidBackOf(messages.results, saidBefore.current), [messages.results]);
  useEffect(() => {
    saidBefore.current = said;
  }, [said]);
  const isAllThere = messages.status === "Exhausted";
  const pendingMessages = useSame(
    useMemo(() => pendingAmong({ messages: messages.results, isWhole: isAllThere, commands: sent, runningTurnId, turns }, said.isSaid), [messages.results, isAllThere, said, sent, runningTurnId, turns]),
  );
  const isAsked = codex.isSending || openTurns.length > 0;
  const newestTurnId = turns === undefined ? messages.results.at(-1)?.turnId : (turns[0]?.clientTurnId ?? turns[0]?.turnId);
  const isKnown = !listed.isLoading && !snapshot.isLoading && messages.status !== "LoadingFirstPage";
  const isNews = useIsNews(codex.sendError, isKnown ? (newestTurnId ?? null) : undefined);
  const status = codexStatus({ messages: messages.results, turns, isAsked, error: isNews ? codex.sendError : undefined });

  const reach = presence && codexReach(presence);
  const isLoading = commands.status === "LoadingFirstPage" || (!isWhole && older.status === "LoadingFirstPage") || listed.isLoading || snapshot.isLoading;
  // A call that is kept when another thread is looked at is of its own, of which it knows what was known last.
  const stable = useStableArgs(given);
  const subject = useMemo(() => (stable === null ? "" : keyOfArgs(stable)), [stable]);
  const latest = useLatest({ runningTurnId, openCommands, openTurns, turns, reach, isLoading, api, given }, subject);
  const { sendTurn, steer: steerTurn, interrupt } = codex;
  const calls = useMemo(() => {
    const send = async (input: CodexInput, sending: CodexTurnSendOptions = {}): Promise<CodexSentCommand> => {
      const { runningTurnId: running, openTurns: open, reach: known } = latest.current;
      // Under an id of the app's own the payload is the app's, too: sent again, it has to be the same.
      const waits = sending.commandId === undefined && codexSendWaits({ runningTurnId: running, isQueued: open.length > 0, reach: known });
      return await sendTurn(input, { ...sending, waitForMachine: sending.waitForMachine ?? (waits ? true : undefined) });
    };
    return {
      send,
      steer: async (input: CodexInput, sending: CodexSendOptions = {}): Promise<CodexSentCommand> => {
        const expectedTurnId = latest.current.runningTurnId;
        if (expectedTurnId === undefined) return await send(input, sending);
        try {
          return await steerTurn(input, { ...sending, expectedTurnId });
        } catch (thrown) {
          // The page did not know yet that the turn has ended.
          if (parseCodexErrorCode(thrown) !== "E_COMMAND_TARGET_GONE") throw thrown;
          return await send(input, sending);
        }
      },
      stop: async (how?: CodexStopOptions) => await stopCodexThread({ interrupt }, await toStop(convex, latest.current), how),
    };
  }, [sendTurn, steerTurn, interrupt, latest, convex]);

  const threadId = args === "skip" ? undefined : args.threadId;
  const optional = [
    ["listPendingApprovalsForHooks", approvals],
    ["listPendingServerRequestsForHooks", requests],
    ["listTurns", listed],
    ["threadSnapshot", snapshot],
    ["getPresence", asked],
  ] as const;
  const failed = optional.find(([name, result]) => result.error !== undefined && !isLacking(name, result))?.[1];
  const error = codex.error ?? messages.error ?? commands.error ?? (isNotTaken(older.error) ? undefined : older.error) ?? failed?.error;
  return useMemo(
    () => ({ threadId, messages, pendingMessages, status, activity, ...calls, runningTurnId, turns, approvals, requests, commands, openCommands, codex, presence, reach, error }),
    [threadId, messages, pendingMessages, status, activity, calls, runningTurnId, turns, approvals, requests, commands, openCommands, codex, presence, reach, error],
  );
}

/** What an error came after: a turn, null where there is none, undefined while that is not known; `OVER` once a newer one was there. */
type Since = string | null | undefined | typeof OVER;
const OVER = Symbol("over");
const NONE_SEEN: ReadonlyMap<Error, Since> = new Map();
/** Errors that are remembered, the newest: one for each thread that is looked at again. */
const SEEN_MAX = 50;

/** Whether nothing newer is there than what an error came after. @param newestTurnId null where there is no turn; undefined while that is not known */
function useIsNews(error: Error | undefined, newestTurnId: string | null | undefined): boolean {
  const [seen, setSeen] = useState(NONE_SEEN);
  if (error === undefined) return false;
  const since = seen.get(error);
  const isOver = since !== undefined && newestTurnId !== undefined && since !== newestTurnId;
  const next = isOver ? OVER : since === undefined ? newestTurnId : since;
  if (!seen.has(error) || since !== next) setSeen(new Map([...[...seen].filter(([one]) => one !== error).slice(1 - SEEN_MAX), [error, next]]));
  return next !== OVER;
}

interface KnownToStop extends CodexStopped {
  /** What is open, or the turns, is not known yet. */
  readonly isLoading: boolean;
  readonly api: CodexApi;
  readonly given: ThreadArgs | "skip";
}

/** What a stop ends: what the page knows, or, while that loads, what the server answers. */
async function toStop(convex: ConvexReactClient, known: KnownToStop): Promise<CodexStopped> {
  const { isLoading, api, given, runningTurnId } = known;
  if (!isLoading || given === "skip") return known;
  const firstPage = (numItems: number) => ({ ...given, paginationOpts: { cursor: null, numItems } });
  // An app's own query may not take `open`.
  const askCommands = () =>
    convex.query(api.listCommands, { ...firstPage(OPEN_ITEMS), open: true }).catch(() => convex.query(api.listCommands, firstPage(FIRST_ITEMS)));
  const askSnapshot = async () => api.threadSnapshot && (await convex.query(api.threadSnapshot, given))?.turns;
  const askTurns = async () => (api.listTurns === undefined ? await askSnapshot() : await convex.query(api.listTurns, given).catch(askSnapshot));
  // What cannot be asked does not keep what is known from being stopped.
  const [commands, turns] = await Promise.all([askCommands().catch(() => undefined), askTurns().catch(() => undefined)]);
  const running = turns?.find(({ status }) => status === "inProgress")?.turnId;
  return {
    openCommands: commands === undefined ? known.openCommands : commands.page.map(toCommandView),
    turns: turns ?? known.turns,
    runningTurnId: running ?? runningTurnId,
  };
}
