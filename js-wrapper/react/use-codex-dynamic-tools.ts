import { useConvex } from "convex/react";
import type { FunctionArgs } from "convex/server";
import { useEffect, useMemo, useState } from "react";
import { parseCodexErrorCode } from "../host/codex-error.js";
import type { CodexServerRequest } from "../host/component.js";
import type { DynamicToolCallOutputContentItem, DynamicToolCallResponse } from "../protocol/generated/types.js";
import { asError, useLatest } from "./calls.js";
import type { CodexToolCall } from "./request-words.js";
import { useStableSubscription } from "./subscription.js";
import { useAnswer } from "./use-answer.js";
import { codexRequestKey } from "./request-item.js";
import { useRequests, type CodexServerRequestsQuery } from "./use-codex-server-requests.js";
import { useSendTo, type CodexSendMutation } from "./use-codex-send.js";

/** What a tool answers: a text, parts, or a whole response. What it throws is told to codex as a failure. */
export type CodexToolResult = string | readonly DynamicToolCallOutputContentItem[] | DynamicToolCallResponse;

/** Does what a tool is for. */
export type CodexToolHandler = (args: unknown, call: CodexToolCall & Pick<CodexServerRequest, "threadId" | "turnId">) => CodexToolResult | Promise<CodexToolResult>;

/** The tools of an app by name; a tool of a namespace as `namespace/tool`. */
export type CodexToolHandlers = Readonly<Record<string, CodexToolHandler>>;

/** What {@link useCodexDynamicTools} returns. */
export interface UseCodexDynamicToolsResult {
  /** The ids of the calls, of these arguments, that handlers of this page are at, or whose answers are on their way. */
  readonly running: readonly string[];
  /** What an answer could not be sent for, or the query failed with. One that there was no room for (`E_QUOTA`) is sent again. */
  readonly error: Error | undefined;
}

/** Calls that were taken, by the client that they came through: a component that is mounted again does not take them again. */
const taken = new WeakMap<object, Set<string>>();

const NOTHING: readonly CodexServerRequest[] = [];
/** How it stands with the calls of one subscription. */
interface Work {
  readonly running: readonly string[];
  readonly thrown: Error | undefined;
}

const AT_REST: Work = { running: [], thrown: undefined };
const NO_WORKS: ReadonlyMap<string, Work> = new Map();
/** Another page's answer came first. */
const ANSWERED = new Set(["E_COMMAND_ID_REUSED", "E_COMMAND_TARGET_GONE", "E_REQUEST_NOT_PENDING"]);
/** Milliseconds until an answer is sent again that there was no room for: at first, and at most. */
const [AGAIN_MS, AGAIN_MS_MAX] = [1_000, 30_000];

/**
 * Answers the calls of an app's own tools in the browser, each once: by the handler of the tool's name, with what that returns.
 *
 * A call of a tool that has no handler here is left to others. Where several pages are open each runs its handler, and the first
 * answer is the one that counts: codex gets no other. A handler that has begun is not stopped when the component goes. An answer
 * that is refused because too many commands are open is sent again, after a second at first and half a minute at most, until it is
 * taken or is not waited for any more; its handler is not run again.
 *
 * @param query The host's query, e.g. `api.chat.listPendingServerRequestsForHooks`.
 * @param args Its arguments, or `"skip"`; without a `threadId` the calls of all threads, those included that whoever has a device
 *   token of the user's begins: name the thread.
 * @param sendMutation The host's mutation, e.g. `api.chat.sendCommand`. It gets the arguments of the query but `limit`.
 * @param handlers The tools by name; they may be new at every render.
 * @returns Which calls are at work, and what failed.
 *
 * @example
 * ```tsx
 * const { listPendingServerRequestsForHooks, sendCommand } = api.chat;
 * useCodexDynamicTools(listPendingServerRequestsForHooks, { threadId }, sendCommand, {
 *   weather: (args) => `Sunny: ${JSON.stringify(args)}`,
 * });
 * ```
 */
export function useCodexDynamicTools<Query extends CodexServerRequestsQuery>(
  query: Query,
  args: FunctionArgs<Query> | "skip",
  sendMutation: CodexSendMutation,
  handlers: CodexToolHandlers,
): UseCodexDynamicToolsResult {
  const client = useConvex();
  const subscription = useStableSubscription(query, args);
  const { data, error: failed } = useAnswer<CodexServerRequest[]>(subscription);
  const requests = useRequests(data ?? NOTHING);
  const send = useSendTo(sendMutation, subscription?.args ?? null);
  const latest = useLatest(handlers);
  const key = subscription?.key ?? "";
  const [works, setWorks] = useState(NO_WORKS);

  useEffect(() => {
    const change = (act: (before: Work) => Work) => setWorks((before) => new Map([...before, [key, act(before.get(key) ?? AT_REST)]]));
    const setRunning = (act: (before: readonly string[]) => readonly string[]) => change((before) => ({ ...before, running: act(before.running) }));
    const setThrown = (act: (before: Error | undefined) => Error | undefined) => change((before) => ({ ...before, thrown: act(before.thrown) }));
    const known = taken.get(client) ?? new Set();
    taken.set(client, known);
    for (const request of requests) {
      const { call, status } = request;
      const name = call && nameOf(call);
      const requestKey = codexRequestKey(request);
      if (call === undefined || name === undefined || status !== "pending" || known.has(requestKey)) continue;
      const handler = Object.hasOwn(latest.current, name) ? latest.current[name] : undefined;
      if (handler === undefined) continue;
      known.add(requestKey);
      const run = async () => {
        setRunning((before) => [...before, call.callId]);
        try {
          const response = await responseOf(handler, request, call);
          await untilThereIsRoom(() => send(request, response, idOfAnswer(request, call)), setThrown);
        } finally {
          setRunning((before) => before.filter((id) => id !== call.callId));
        }
      };
      run().catch((error: unknown) => {
        if (!ANSWERED.has(parseCodexErrorCode(error) ?? "")) setThrown(() => asError(error));
      });
    }
  }, [client, key, requests, handlers, send, latest]);

  const { running, thrown } = works.get(key) ?? AT_REST;
  const error = failed ?? thrown;
  return useMemo(() => ({ running, error }), [running, error]);
}

/**
 * Sends until that is not refused for want of room.
 *
 * @param change what is told of errors: why it waits, and no more of that once it does not
 */
async function untilThereIsRoom(send: () => Promise<unknown>, change: (act: (before: Error | undefined) => Error | undefined) => void): Promise<void> {
  let told: Error | undefined;
  try {
    for (let waitMs = AGAIN_MS; ; waitMs = Math.min(2 * waitMs, AGAIN_MS_MAX)) {
      try {
        await send();
        return;
      } catch (thrown) {
        if (parseCodexErrorCode(thrown) !== "E_QUOTA") throw thrown;
        const why = asError(thrown);
        told = why;
        change(() => why);
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  } finally {
    // What another call was refused with stays.
    if (told !== undefined) change((now) => (now === told ? undefined : now));
  }
}

function nameOf({ namespace, tool }: CodexToolCall): string {
  return namespace === null ? tool : `${namespace}/${tool}`;
}

/** The same in every page, so that the first answer is the only one. */
function idOfAnswer(request: CodexServerRequest, { callId }: CodexToolCall): string {
  const { turnId, requestId, createdAt } = request;
  return JSON.stringify(["tool", turnId, callId, requestId, createdAt]);
}

async function responseOf(handler: CodexToolHandler, { threadId, turnId }: CodexServerRequest, call: CodexToolCall): Promise<DynamicToolCallResponse> {
  try {
    const result = await handler(call.arguments, { ...call, threadId, turnId });
    if (typeof result === "string") return { success: true, contentItems: [{ type: "inputText", text: result }] };
    if (Array.isArray(result)) return { success: true, contentItems: [...(result as readonly DynamicToolCallOutputContentItem[])] };
    const { success, contentItems } = result as DynamicToolCallResponse;
    return { success, contentItems };
  } catch (thrown) {
    return { success: false, contentItems: [{ type: "inputText", text: asError(thrown).message }] };
  }
}
