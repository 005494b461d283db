/** How to speak with a `codex app-server`: messages, and typed answers to them. Nothing of Node and no wasm is reached from here. */
export * from "./answers.js";
export * from "./client.js";
export { AppServerError, type AppServerErrorCode } from "./errors.js";
export * from "./requests.js";
export { isUuidLikeThreadId } from "./thread-id.js";
export type * from "../protocol/typed.js";
