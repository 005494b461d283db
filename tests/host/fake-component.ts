import { ConvexError } from "convex/values";
import type { CodexComponent, HostMutationCtx, HostQueryCtx } from "../../js-wrapper/host/convex.js";

/** A component whose function references are their own names, and a context that keeps what is called. */
export class FakeComponent {
  readonly calls: [name: string, args: Record<string, unknown>][] = [];
  readonly component = byName([]) as CodexComponent;
  readonly ctx: HostMutationCtx & HostQueryCtx;

  /** @param answers by name of the function; an Error is thrown; null where none is given */
  constructor(answers: Record<string, unknown> = {}) {
    const run = async (reference: unknown, args: Record<string, unknown>): Promise<unknown> => {
      const name = String(reference);
      this.calls.push([name, args]);
      const answer = answers[name] ?? null;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    this.ctx = { runQuery: run, runMutation: run };
  }
}

/** An error as the component throws it. */
export function coded(code: string): Error {
  return new ConvexError({ code, message: `[${code}] no`, retryable: false });
}

function byName(path: string[]): unknown {
  return new Proxy(Object, {
    get: (_, name) => {
      if (name === "toString" || name === Symbol.toPrimitive) return () => path.join(".");
      return byName([...path, String(name)]);
    },
  });
}
