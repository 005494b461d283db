/** The core, as the sweeps call it: see `core.ts`. */
import { CoreError } from "../../js-wrapper/core/instance.js";
import { sweep as load, type Sweep } from "../../js-wrapper/core/sweep.js";
import { coded } from "../errors.js";

/**
 * One call of the core.
 *
 * @throws `E_INTERNAL` where the core trapped, or was called otherwise than it reads
 */
export function sweep<Answer>(call: (core: Sweep) => Answer): Answer {
  try {
    return call(load());
  } catch (error) {
    if (error instanceof CoreError) throw coded(error.code, error.reason);
    throw error;
  }
}
