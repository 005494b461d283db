import { useConvex } from "convex/react";
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import { getFunctionName } from "convex/server";
import { useCallback, useMemo, useState } from "react";
import { keyOfArgs, useCall, useLatest, useProgress, type CallArgs } from "./calls.js";
import { optimisticallyInterruptCodexTurn } from "./optimistic.js";
import { newCommandId, Wishes } from "./sending.js";
import type { CodexMessagesQuery } from "./types.js";

/** A host mutation that {@link useCodexComposer} begins turns with: its input is `input`, or `inputText`. */
export type CodexStartTurnMutation = FunctionReference<"mutation", "public", { turnId: string; idempotencyKey: string }, unknown>;

type Made = "turnId" | "idempotencyKey";
type Flat<T> = { [Name in keyof T]: T[Name] };

/** What `send` takes: the mutation's arguments; the ids are made where they are not given. */
export type CodexComposerSendArgs<Start extends CodexStartTurnMutation> = Flat<
  Omit<FunctionArgs<Start>, Made> & Partial<Pick<FunctionArgs<Start>, Made & keyof FunctionArgs<Start>>>
>;

/** What `sendText` takes: the mutation's arguments without the input. */
export type CodexComposerTextArgs<Start extends CodexStartTurnMutation> = Flat<
  Omit<FunctionArgs<Start>, Made | "input" | "inputText"> & Partial<Pick<FunctionArgs<Start>, Made & keyof FunctionArgs<Start>>>
>;

/** Options of {@link useCodexComposer}. */
export type CodexComposerOptions<Start extends CodexStartTurnMutation> = {
  /** Makes the id of a turn; a UUID where it is not given. */
  readonly createTurnId?: (() => string) | undefined;
  readonly createIdempotencyKey?: (() => string) | undefined;
  readonly initialValue?: string | undefined;
} & (string extends keyof FunctionArgs<Start>
  ? {
      /** Of a mutation without types: `"inputText"` where it takes the text itself; `"input"` where it is not given. */
      readonly inputName?: "input" | "inputText" | undefined;
    }
  : "inputText" extends keyof FunctionArgs<Start>
    ? {
        /** The mutation takes the text itself, as `registerTurnStart` of `defineCodexHost` does. */
        readonly inputName: "inputText";
      }
    : { readonly inputName?: "input" | undefined });

/** What {@link useCodexComposer} returns. */
export interface UseCodexComposerResult<Start extends CodexStartTurnMutation> {
  /** What is being written. */
  readonly value: string;
  readonly setValue: (value: string) => void;
  readonly isSending: boolean;
  /** What sending failed with last; undefined once it is tried again. */
  readonly error: Error | undefined;
  /** Begins a turn with the mutation's own arguments. */
  readonly send: (args: CodexComposerSendArgs<Start>) => Promise<FunctionReturnType<Start>>;
  /** Begins a turn with a text, `value` where none is given: null, and nothing is sent, where that is blank. */
  readonly sendText: (args: CodexComposerTextArgs<Start>, text?: string) => Promise<FunctionReturnType<Start> | null>;
  /** Puts the value back to the initial one, and forgets the error. */
  readonly reset: () => void;
}

/**
 * Keeps what is being written, and begins a turn with it.
 *
 * The turn's id and its idempotency key are made here, once for each text: a second press of the button, or a second attempt after an
 * error, begins the same turn. When it has begun the value is cleared, unless something else was written meanwhile. Only
 * the mutation's own arguments are sent.
 *
 * @param mutation The host's mutation, e.g. `api.chat.registerTurnStart`.
 * @param options How ids are made, the value to begin with, and `inputName` where the mutation takes `inputText`.
 *
 * @example
 * ```tsx
 * const composer = useCodexComposer(api.chat.registerTurnStart, { inputName: "inputText" });
 * await composer.sendText({ threadId });
 * ```
 */
export function useCodexComposer<Start extends CodexStartTurnMutation>(
  mutation: Start,
  ...[options]: object extends CodexComposerOptions<Start> ? [CodexComposerOptions<Start>?] : [CodexComposerOptions<Start>]
): UseCodexComposerResult<Start> {
  const given = options as { createTurnId?: () => string; createIdempotencyKey?: () => string; initialValue?: string; inputName?: "input" | "inputText" } | undefined;
  const initialValue = given?.initialValue ?? "";
  const latest = useLatest(given);
  const [value, setValue] = useState(initialValue);
  const [{ isPending: isSending, error: failed }, follow] = useProgress();
  const [forgotten, setForgotten] = useState<Error>();
  const call = useCall(mutation);
  const [wishes] = useState(
    () =>
      new Wishes<unknown>(() => {
        const { createTurnId = newCommandId, createIdempotencyKey = newCommandId } = latest.current ?? {};
        return JSON.stringify([createTurnId(), createIdempotencyKey()]);
      }),
  );

  const send = useCallback(
    (args: CallArgs) =>
      follow(() =>
        wishes.send(keyOfArgs(args), undefined, async (ids) => {
          const [turnId, idempotencyKey] = JSON.parse(ids) as [string, string];
          return await call?.({ turnId, idempotencyKey, ...args });
        }),
      ),
    [call, follow, wishes],
  );
  const sendText = useCallback(
    async (args: CallArgs, text = value) => {
      if (text.trim() === "") return null;
      const wellFormed = text.toWellFormed();
      const isText = latest.current?.inputName === "inputText";
      const answer = await send({ ...args, ...(isText ? { inputText: wellFormed } : { input: [{ type: "text", text: wellFormed }] }) });
      setValue((now) => (now === text ? "" : now));
      return answer;
    },
    [send, value, latest],
  );
  const reset = useCallback(() => {
    setValue(initialValue);
    setForgotten(failed);
  }, [initialValue, failed]);

  const error = failed === forgotten ? undefined : failed;
  return useMemo(
    // It is called with what `Start` takes.
    () => ({ value, setValue, isSending, error, send, sendText, reset }) as unknown as UseCodexComposerResult<Start>,
    [value, isSending, error, send, sendText, reset],
  );
}

/** A host mutation that {@link useCodexInterruptTurn} ends turns with. */
export type CodexInterruptTurnMutation = FunctionReference<"mutation", "public", { threadId: string; turnId: string }, null>;

/**
 * Ends a turn, whichever page began it: it works after a reload, before the first word, and of a turn that is queued. Where it ran,
 * the next that waits behind it begins: end that one before, or stop as `useCodex` and `stopCodexThread` do.
 *
 * @param mutation The host's mutation, e.g. `api.chat.interruptTurnForHooks`.
 * @param options `optimisticMessagesQuery`, the query of messages that the page follows: in its pages the turn's messages read
 *   `interrupted` at once.
 * @returns The call, with the mutation's own arguments; the same function at each render.
 *
 * @example
 * ```tsx
 * const interrupt = useCodexInterruptTurn(api.chat.interruptTurnForHooks, { optimisticMessagesQuery: api.chat.listThreadMessagesForHooks });
 * await interrupt({ threadId, turnId });
 * ```
 */
export function useCodexInterruptTurn<Interrupt extends CodexInterruptTurnMutation>(
  mutation: Interrupt,
  options: { readonly optimisticMessagesQuery?: CodexMessagesQuery | undefined } = {},
): (args: FunctionArgs<Interrupt>) => Promise<null> {
  const convex = useConvex();
  const { optimisticMessagesQuery: query } = options;
  const [name, queryName] = [getFunctionName(mutation), query && getFunctionName(query)];
  return useMemo(
    () => async (args: FunctionArgs<Interrupt>) => {
      const optimisticUpdate = query && optimisticallyInterruptCodexTurn(query);
      const untyped: FunctionReference<"mutation", "public", { threadId: string; turnId: string }, null> = mutation;
      return await convex.mutation(untyped, args, optimisticUpdate && { optimisticUpdate });
    },
    // The names stand for the functions.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [convex, name, queryName],
  );
}
