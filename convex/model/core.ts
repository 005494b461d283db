/** The core, as the component calls it: a bug in it is a coded error, so that the platform rolls back and clients can tell. */
import { CoreError } from "../../js-wrapper/core/instance.js";
import { coded } from "../errors.js";

/**
 * One call of the core.
 *
 * @throws `E_INTERNAL` where the core trapped, or was called otherwise than it reads
 */
export function decide<Answer>(ask: () => Answer): Answer {
  try {
    return ask();
  } catch (error) {
    if (error instanceof CoreError) throw coded(error.code, error.reason);
    throw error;
  }
}

/**
 * What has to be there: where it is not, the core named what it was not given, or this software has another bug.
 *
 * @throws `E_INTERNAL`
 */
export function existing<Value>(value: Value | null | undefined, otherwise = "the core named a row or an event that it was not given"): Value {
  if (value === null || value === undefined) throw coded("E_INTERNAL", otherwise);
  return value;
}
