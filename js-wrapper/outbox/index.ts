export { OutboxError, type OutboxErrorCode } from "./errors.js";
export { type Backlog, Outbox, type OutboxBatch, type OutboxOptions, stubOf } from "./outbox.js";
export { type DeadLetter, deleteOutbox } from "./store.js";
export { type IngestAnswer, type Verdict, verdictOfAnswer, verdictOfError } from "./verdict.js";
