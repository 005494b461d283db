import { CoreError } from "../../js-wrapper/core/instance.js";
import { coded } from "../errors.js";

/**
 * What the core answers: a bug in it is a coded error, so that the platform rolls back and clients can tell.
 *
 * @throws `E_INTERNAL` where the core trapped, or was called otherwise than it reads
 */
export function guarded<Answer>(call: () => Answer): Answer {
  try {
    return call();
  } catch (error) {
    if (error instanceof CoreError) throw coded(error.code, error.reason);
    throw error;
  }
}
