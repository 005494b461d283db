import type { FunctionReference } from "convex/server";
import type { OwnArgs } from "./types.js";
import { useMemo, useState } from "react";
import { given } from "../given.js";
import { parseCodexErrorCode } from "../host/codex-error.js";
import type { CodexApproval, CodexCommand, CodexCommandState, CodexServerRequest } from "../host/component.js";
import { shownSha256Of } from "../mapping/index.js";
import type { JsonValue } from "../protocol/generated/types.js";
import { declines } from "../protocol/decisions.js";
import { keyOfArgs, useCall, useProgress, useStableArgs, type CallArgs } from "./calls.js";
import {
  edited,
  inputOf,
  payloadOf,
  sentAgain,
  Wishes,
  type CodexInput,
  type CodexTurnSettings,
  type Wish,
} from "./sending.js";
import { isOver } from "./stop.js";

/** A host mutation that {@link useCodexSend} sends with. Its `kind` may be any text: not every app's validators say which. */
export type CodexSendMutation = FunctionReference<
  "mutation",
  "public",
  { commandId: string; kind: string; payloadJson: string; ttlMs?: number | undefined },
  { commandId: string; state: CodexCommandState }
>;

/** A host mutation of one command. */
export type CodexCommandMutation<Given extends object = object> = FunctionReference<"mutation", "public", { commandId: string } & Given, null>;

/** What a host does with commands that are still queued; each where the app exports it. */
export interface CodexCommandMutations {
  readonly cancel?: CodexCommandMutation;
  readonly edit?: CodexCommandMutation<{ payloadJson: string }>;
  readonly promote?: CodexCommandMutation<{ expectedTurnId?: string | undefined }>;
}

type Sent = "commandId" | "kind" | "payloadJson" | "ttlMs";

/** The arguments of a sending mutation that are the app's to give: its thread. */
export type CodexSendArgs<Send extends CodexSendMutation> = OwnArgs<Send, Sent>;

/** How something is sent. */
export interface CodexSendOptions {
  /** The command's id, where the app keeps one; the same id with the same content is one command. */
  readonly commandId?: string | undefined;
  /** Milliseconds after which it is not wanted any more: less than the server's bound. */
  readonly ttlMs?: number | undefined;
}

/** How a turn is sent. */
export interface CodexTurnSendOptions extends CodexSendOptions, CodexTurnSettings {
  /** The id of a turn that the app registered for it; without one the command's id names the turn. */
  readonly clientTurnId?: string | undefined;
  /** It waits up to 24 hours for its machine, or for the turn before it to end, in place of ten minutes: see {@link codexSendWaits}. */
  readonly waitForMachine?: boolean | undefined;
}

/** What was sent. */
export interface CodexSentCommand {
  readonly commandId: string;
  readonly state: CodexCommandState;
}

/** What was sent of a turn. */
export interface CodexSentTurn extends CodexSentCommand {
  /** Names the turn until codex has named it: it can be interrupted by this. */
  readonly clientTurnId: string;
}

/** A request that is answered, as it was listed. */
export type CodexAskedRequest = Pick<CodexServerRequest | CodexApproval, "requestId"> & { readonly payloadJson?: string | undefined };

/** What {@link useCodexSend} returns. Every function is the same at each render, and its promise rejects with what was refused. */
export interface CodexSend {
  /** Begins a turn, or queues one behind the turn that runs. */
  readonly sendTurn: (input: CodexInput, options?: CodexTurnSendOptions) => Promise<CodexSentTurn>;
  /** Says more to the turn that runs. It is refused where another turn runs by then. */
  readonly steer: (input: CodexInput, options: CodexSendOptions & { readonly expectedTurnId: string }) => Promise<CodexSentCommand>;
  /**
   * Ends a turn, or takes back one that is queued. Where it ran, the next that waits behind it begins: {@link stopCodexThread} takes
   * that back before. `force` lets the machine restart codex where that would cut turns of other threads.
   */
  readonly interrupt: (turnId: string, options?: CodexSendOptions & { readonly force?: boolean | undefined }) => Promise<CodexSentCommand>;
  /** Decides an approval in the app-server's own words, e.g. `"acceptForSession"`. */
  readonly decide: (request: CodexAskedRequest, decision: JsonValue, options?: CodexSendOptions) => Promise<CodexSentCommand>;
  /** Answers a request of the app-server with its `result`. */
  readonly answer: (request: CodexAskedRequest, answer: object, options?: CodexSendOptions) => Promise<CodexSentCommand>;
  /**
   * Sends a command once more that came to nothing, once: whoever asks, in whichever tab, sends the same one. A steer whose turn has
   * ended begins a turn.
   */
  readonly sendAgain: (command: Pick<CodexCommand, "commandId" | "kind" | "payloadJson">) => Promise<CodexSentCommand>;
  /** At least one call with these arguments is not answered: one of another thread does not count. */
  readonly isSending: boolean;
  /** What the last call with these arguments failed with; undefined once another is made. */
  readonly error: Error | undefined;
  /** The same of `sendTurn`, `steer` and `sendAgain` alone: what was to be said was not. */
  readonly sendError: Error | undefined;
}

/** What is done to commands that are queued, each undefined where the app gave no mutation for it. */
export interface CodexCommandActions<Given extends CodexCommandMutations> {
  /** Takes a command back that is still queued. */
  readonly cancel: IfGiven<Given, "cancel", (commandId: string) => Promise<null>>;
  /**
   * Replaces what a message says that is still queued; its turn and the settings that are not named stay. A text takes the place of
   * its texts, and its images, files, skills and mentions stay; a list takes the place of all.
   */
  readonly edit: IfGiven<
    Given,
    "edit",
    (command: Pick<CodexCommand, "commandId" | "payloadJson">, input: CodexInput, settings?: CodexTurnSettings) => Promise<null>
  >;
  /** Puts a command before all others of its thread; with `expectedTurnId`, the turn that runs, a turn becomes a steer of it. */
  readonly promote: IfGiven<Given, "promote", (commandId: string, options?: { readonly expectedTurnId?: string | undefined }) => Promise<null>>;
}

type IfGiven<Given, Name extends string, Action> = Given extends { readonly [Key in Name]: CodexCommandMutation } ? Action : undefined;

const NO_MUTATIONS: CodexCommandMutations = {};
/** The turn to steer has ended; or somebody sent it again as a turn by then. */
const TURN_INSTEAD = new Set(["E_COMMAND_TARGET_GONE", "E_COMMAND_ID_REUSED"]);

/**
 * Sends commands to the machine that has a thread: turns, steers, interrupts, decisions and answers, each with the payload that
 * it takes and under an id of its own.
 *
 * A wish keeps its id until the server has it: a second press of the button while the first is on its way, or after an error,
 * is the same command, and is done once. What became of it is in {@link useCodexCommands}.
 *
 * @param mutation The host's mutation, e.g. `api.chat.sendCommand`.
 * @param args Its arguments without the command, so mostly `{ threadId }`; with `"skip"` every call rejects.
 * @param mutations The host's mutations for what is still queued, as far as the app has them.
 * @returns The calls, whether one of these arguments is on its way, and what the last of them failed with.
 *
 * @example
 * ```tsx
 * const { cancelCommand: cancel, editCommand: edit } = api.chat;
 * const codex = useCodexSend(api.chat.sendCommand, { threadId }, { cancel, edit });
 * await codex.sendTurn("Go on.");
 * ```
 */
export function useCodexSend<Send extends CodexSendMutation, Given extends CodexCommandMutations = object>(
  mutation: Send,
  args: CodexSendArgs<Send> | "skip",
  mutations?: Given,
): CodexSend & CodexCommandActions<Given> {
  const stable = useStableArgs(args);
  const call = useCall(mutation);
  const { cancel: cancelMutation, edit: editMutation, promote: promoteMutation } = mutations ?? NO_MUTATIONS;
  const [callCancel, callEdit, callPromote] = [useCall(cancelMutation), useCall(editMutation), useCall(promoteMutation)];
  const [wishes] = useState(() => new Wishes<CodexSentCommand>());
  /** What was sent under an id, and may be stored though no answer came: an id is of one payload. */
  const [unanswered] = useState(() => new Map<string, { readonly wish: string; readonly payloadJson: string }>());
  const subject = useMemo(() => stable && keyOfArgs(stable), [stable]) ?? "";
  const [{ isPending, error }, follow] = useProgress(subject);
  const [{ error: sendError }, followSending] = useProgress(subject);

  const calls = useMemo(() => {
    const sendOne = async ({ kind, payload, ttlMs }: Wish, commandId?: string, named?: (id: string) => object) => {
      const own = owned(stable);
      // The same words are the same wish, also where they do not have to wait any more when they are tried again.
      const wish = JSON.stringify([keyOfArgs(own), kind, { ...payload, waitForMachine: undefined }, ttlMs]);
      return await wishes.send(wish, commandId, async (id) => {
        const before = unanswered.get(id);
        const payloadJson = before?.wish === wish ? before.payloadJson : payloadOf({ ...payload, ...named?.(id) });
        unanswered.set(id, { wish, payloadJson });
        try {
          const sent = (await call?.({ ...own, commandId: id, kind, payloadJson, ...given({ ttlMs }) })) as CodexSentCommand;
          unanswered.delete(id);
          return sent;
        } catch (thrown) {
          // A refusal has stored nothing.
          if (parseCodexErrorCode(thrown) !== null) unanswered.delete(id);
          throw thrown;
        }
      });
    };
    const send = (wanted: Wish | Promise<Wish>, commandId?: string, named?: (id: string) => object, isExpected?: (thrown: unknown) => boolean) =>
      follow(async () => await sendOne(await wanted, commandId, named), isExpected);
    const change = (act: ((args: CallArgs) => Promise<unknown>) | undefined, what: CallArgs) =>
      follow(async () => {
        const { threadId: _, ...own } = owned(stable);
        return (await act?.({ ...own, ...what })) as null;
      });
    return {
      sendTurn: async (input: CodexInput, { commandId, ttlMs, clientTurnId, ...settings }: CodexTurnSendOptions = {}): Promise<CodexSentTurn> => {
        const payload = { input: inputOf(input), ...given({ clientTurnId, ...settings }) };
        const sent = await followSending(() => send({ kind: "turn", payload, ttlMs }, commandId, (id) => ({ clientTurnId: clientTurnId ?? id })));
        return { ...sent, clientTurnId: clientTurnId ?? sent.commandId };
      },
      steer: (input: CodexInput, { commandId, ttlMs, expectedTurnId }: CodexSendOptions & { expectedTurnId: string }) =>
        followSending(() => send({ kind: "steer", payload: { expectedTurnId, input: inputOf(input) }, ttlMs }, commandId)),
      interrupt: (turnId: string, { commandId, ttlMs, force }: CodexSendOptions & { force?: boolean | undefined } = {}) =>
        send({ kind: "interrupt", payload: { turnId, ...given({ force }) }, ttlMs }, commandId, undefined, isOver),
      decide: (request: CodexAskedRequest, decision: JsonValue, { commandId, ttlMs }: CodexSendOptions = {}) => {
        const wish = async (): Promise<Wish> => {
          const shown = declines(decision) ? {} : await shownOf(request);
          return { kind: "decide", payload: { requestId: request.requestId, decision, ...shown }, ttlMs };
        };
        return send(wish(), commandId);
      },
      answer: (request: CodexAskedRequest, answer: object, { commandId, ttlMs }: CodexSendOptions = {}) => {
        const wish = async (): Promise<Wish> => {
          // A page that is not served securely cannot hash: the answer goes without it.
          const shown = isHashing() ? await shownOf(request) : {};
          return { kind: "answer", payload: { requestId: request.requestId, answer, ...shown }, ttlMs };
        };
        return send(wish(), commandId);
      },
      sendAgain: (command: Pick<CodexCommand, "commandId" | "kind" | "payloadJson">) => {
        const { commandId, asTurn, ...wish } = sentAgain(command);
        const sendEither = async () => {
          try {
            return await sendOne(wish, commandId);
          } catch (thrown) {
            if (asTurn === undefined || !TURN_INSTEAD.has(parseCodexErrorCode(thrown) ?? "")) throw thrown;
            return await sendOne(asTurn, commandId);
          }
        };
        return followSending(() => follow(sendEither));
      },
      cancel: callCancel && ((commandId: string) => change(callCancel, { commandId })),
      edit:
        callEdit &&
        ((command: Pick<CodexCommand, "commandId" | "payloadJson">, input: CodexInput, settings?: CodexTurnSettings) =>
          change(callEdit, { commandId: command.commandId, payloadJson: edited(command, input, settings) })),
      promote:
        callPromote &&
        ((commandId: string, { expectedTurnId }: { expectedTurnId?: string | undefined } = {}) =>
          change(callPromote, { commandId, ...given({ expectedTurnId }) })),
    };
  }, [stable, call, callCancel, callEdit, callPromote, wishes, unanswered, follow, followSending]);

  // Which of the three are there is what `Given` says.
  return useMemo(() => ({ ...calls, isSending: isPending, error, sendError }) as CodexSend & CodexCommandActions<Given>, [calls, isPending, error, sendError]);
}

/**
 * Answers requests of whichever thread, each in its own.
 *
 * @param args the arguments of the query that lists them
 */
export function useSendTo(mutation: CodexSendMutation, args: CallArgs | null) {
  const call = useCall(mutation);
  const [wishes] = useState(() => new Wishes<CodexSentCommand>());
  return useMemo(
    () =>
      async ({ threadId, requestId, payloadJson }: CodexServerRequest, answer: object, commandId?: string): Promise<CodexSentCommand> => {
        const { limit: _, ...own } = owned(args);
        const payload = payloadOf({ requestId, answer, ...(isHashing() ? await shownOf({ requestId, payloadJson }) : {}) });
        return await wishes.send(JSON.stringify([threadId, payload]), commandId, async (id) => {
          return (await call?.({ ...own, threadId, commandId: id, kind: "answer", payloadJson: payload })) as CodexSentCommand;
        });
      },
    [args, call, wishes],
  );
}

function owned(args: CallArgs | null): CallArgs {
  if (args === null) throw new Error("nothing can be sent: the arguments are \"skip\"");
  return args;
}

function isHashing(): boolean {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
  return crypto.subtle !== undefined;
}

/** What was shown: ids of requests begin anew in every process of codex, and an answer is of this one. */
async function shownOf({ payloadJson }: CodexAskedRequest): Promise<{ shownSha256?: string }> {
  return payloadJson === undefined ? {} : { shownSha256: await shownSha256Of(payloadJson) };
}
