/** What is wrong with a machine's policy, in words for its owner. */
import { messageOf } from "../coded-error.js";
import { faultOfPolicy } from "../core/bridge.js";
import { readObject } from "../protocol/fields.js";

/** Where its format is. */
const FORMAT = "what a policy says: docs/HOST_INTEGRATION.md#steering-a-machine-from-afar";
/** UTF-16 units of a value that are said. */
const VALUE_UNITS_MAX = 60;

/** @param text of a policy file @returns what is wrong with it, as far as that can be told; undefined where nothing is */
export function policyFault(text: string): string | undefined {
  return faultOfPolicy(text) === undefined ? undefined : `${whatOf(text)} (${FORMAT})`;
}

function whatOf(text: string): string {
  try {
    JSON.parse(text);
  } catch (thrown) {
    return `it is not JSON: ${messageOf(thrown)}`;
  }
  // Each member by itself: a policy may leave out all others.
  const wrong = Object.entries(readObject(text) ?? {}).filter(([name, value]) => faultOfPolicy(JSON.stringify({ [name]: value })) !== undefined);
  if (wrong.length === 0) return "it is not an object of a policy's members";
  return `it cannot have ${wrong.map(([name, value]) => `\`${name}: ${JSON.stringify(value).slice(0, VALUE_UNITS_MAX)}\``).join(", ")}`;
}
