/** The wasm modules' names, as their files in `pkg/` have them. */
export const DOORS: readonly string[];
