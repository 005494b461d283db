/** The core, as the component calls it. */
import { core as load, type Core } from "../../js-wrapper/core/component.js";
import { guarded } from "./guarded.js";

/**
 * One call of the core.
 *
 * @throws `E_INTERNAL` where the core trapped, or was called otherwise than it reads
 */
export function core<Answer>(call: (core: Core) => Answer): Answer {
  return guarded(() => call(load()));
}
