/** The core beside ingest, as the component calls it. */
import { control as load, type Control } from "../../js-wrapper/core/control.js";
import { guarded } from "./guarded.js";

/**
 * One call of the core.
 *
 * @throws `E_INTERNAL` where the core trapped, or was called otherwise than it reads
 */
export function control<Answer>(call: (core: Control) => Answer): Answer {
  return guarded(() => call(load()));
}
