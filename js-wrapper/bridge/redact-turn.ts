import { redactMessage } from "../core/bridge.js";
import { smallOf } from "../oversize.js";

/**
 * A turn of a thread's history without its secrets, as its events are without them: the app-server's answers are handed on as they came.
 * Whoever stores turns of `thread/read` or `thread/turns/list`, by `historyPage` for example, passes each through this before.
 *
 * @param turn as the app-server has it
 * @returns what has no secret as it was; what was taken out reads `[redacted:kind]`
 */
export function redactTurn<Turn extends { readonly items: readonly unknown[] }>(turn: Turn): Turn {
  // Item by item: a turn may be many megabytes.
  const { items, ...said } = turn;
  return { ...(redacted("turn/completed", "turn", said) as Turn), items: items.map((item) => redacted("item/completed", "item", item)) };
}

/** A value as it comes in the params of its event: the rules are the event's. */
function redacted(method: string, name: string, value: unknown): unknown {
  const line = JSON.stringify({ method, params: { [name]: value } });
  const kept = redactMessage(line);
  if (kept === line) return value;
  try {
    return (JSON.parse(kept) as { params: Record<string, unknown> }).params[name];
  } catch {
    // It is nested deeper than the core reads, which took it for a text then: what of it is small is not.
    return redacted(method, name, smallOf(value));
  }
}
