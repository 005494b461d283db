export { OutboxError, type OutboxErrorCode } from "./errors.js";
export type { Backlog, OutboxBatch, OutboxOptions } from "./options.js";
export { Outbox } from "./outbox.js";
export { type DeadLetter, deleteOutbox } from "./store.js";
export { stubOf } from "./stub.js";
export { mayPass, type Verdict, verdictOfAnswer, verdictOfError } from "./verdict.js";
