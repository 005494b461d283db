/** How to speak with a `codex app-server`: builders of messages. Nothing of Node and no wasm is reached from here. */
export * from "./answers.js";
export * from "./requests.js";
export type * from "../protocol/typed.js";
