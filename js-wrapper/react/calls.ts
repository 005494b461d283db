/** Calls of the app's mutations, with an identity that lasts as long as what they are called with. */
import { useConvex } from "convex/react";
import type { FunctionReference } from "convex/server";
import { getFunctionName } from "convex/server";
import type { Value } from "convex/values";
import { convexToJson } from "convex/values";
import { useCallback, useInsertionEffect, useMemo, useState } from "react";

/** Arguments as Convex has them, by name. */
export type CallArgs = Record<string, Value>;

/** Calls a mutation of the app. */
type Call = (args: CallArgs) => Promise<unknown>;

/**
 * Gives arguments written in place an identity.
 *
 * @returns the arguments, the same object while they are equal; null for `"skip"`
 */
export function useStableArgs(args: object | "skip"): CallArgs | null {
  const given = args === "skip" ? null : (args as CallArgs);
  const key = given && keyOfArgs(given);
  // The key stands for the arguments.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  return useMemo(() => given, [key]);
}

/** Arguments as text: equal where they are. */
export function keyOfArgs(args: CallArgs): string {
  return JSON.stringify(convexToJson(args));
}

/**
 * Calls a mutation that the app gave, or none: unlike `useMutation`, it takes one that is not there.
 *
 * @returns the call, the same while the mutation is; undefined where there is no mutation
 */
export function useCall(mutation: FunctionReference<"mutation"> | undefined): Call | undefined {
  const convex = useConvex();
  const name = mutation && getFunctionName(mutation);
  return useMemo(
    () => mutation && ((args: CallArgs) => convex.mutation(mutation, args)),
    // The name stands for the mutation: `api.x.y` is a new object at every mention.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [convex, name],
  );
}

/** How it stands with calls. */
interface Progress {
  /** At least one is not answered. */
  readonly isPending: boolean;
  /** What the last one failed with; undefined once another is made. */
  readonly error: Error | undefined;
}

interface Calls {
  readonly pending: number;
  readonly error: Error | undefined;
}

/** Makes a call. What it rejects with is kept as the error, unless it `isExpected`. */
type Follow = <Answer>(call: () => Promise<Answer>, isExpected?: (thrown: unknown) => boolean) => Promise<Answer>;

const AT_REST: Calls = { pending: 0, error: undefined };
const NO_CALLS: ReadonlyMap<string, Calls> = new Map();

/**
 * Counts calls that are not answered, and keeps what the last one failed with: of each subject its own.
 *
 * @param subject what the calls are about, e.g. the arguments of a thread as text
 * @returns how it stands with the subject's calls, and what each of them is made through, the same at each render while the subject
 *   is: it answers, or rejects, as the call does
 */
export function useProgress(subject = ""): readonly [Progress, Follow] {
  const [all, setAll] = useState(NO_CALLS);
  const follow = useCallback(
    async <Answer>(call: () => Promise<Answer>, isExpected: (thrown: unknown) => boolean = () => false): Promise<Answer> => {
      const change = (act: (before: Calls) => Calls) => setAll((before) => withCalls(before, subject, act(before.get(subject) ?? AT_REST)));
      change(({ pending }) => ({ pending: pending + 1, error: undefined }));
      try {
        const answer = await call();
        change(({ pending, error }) => ({ pending: pending - 1, error }));
        return answer;
      } catch (thrown) {
        change(({ pending, error }) => ({ pending: pending - 1, error: isExpected(thrown) ? error : asError(thrown) }));
        throw thrown;
      }
    },
    [subject],
  );
  const { pending, error } = all.get(subject) ?? AT_REST;
  return [{ isPending: pending > 0, error }, follow];
}

/** What is at rest is not kept. */
function withCalls(all: ReadonlyMap<string, Calls>, subject: string, calls: Calls): ReadonlyMap<string, Calls> {
  const changed = new Map(all);
  if (calls.pending === 0 && calls.error === undefined) changed.delete(subject);
  else changed.set(subject, calls);
  return changed;
}

/**
 * The newest value that was rendered, for what is called later: an app's functions are new at every render. It is there before any
 * other effect, so that a child's, which come first, see what their props say.
 *
 * @param subject what the value is of, e.g. the arguments of a thread as text: what was made for one keeps the last value of that
 * @returns the same object while the subject is
 */
export function useLatest<Given>(value: Given, subject = ""): { readonly current: Given } {
  // What it begins with is of the subject; from then on it is kept below.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const latest = useMemo(() => ({ current: value }), [subject]);
  useInsertionEffect(() => {
    latest.current = value;
  }, [latest, value]);
  return latest;
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
