/** What the core plans for approvals and server requests, and for sending decisions. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_control";
import * as wasm from "#wasm/control";
import {
  commandSend,
  knownRequest,
  Packer,
  requestFacts,
  requestOrigin,
  type CommandSendCall,
  type KnownRequest,
  type Packed,
  type RequestFacts,
  type RequestOrigin,
} from "./boundary.js";
import { Instance } from "./instance.js";

export type { DecisionSendAnswer, RequestAnswer, RequestWrite } from "#wasm/control";

/** `src/request/client.rs`, RespondCall. */
type RespondCall = {
  threadExists: boolean;
  requestId: string | number | undefined;
  /** `accepted`, `declined`, or a decision as JSON. */
  decision: string;
  shownSha256: string | undefined;
  /** Who does not decline has to say what was shown. */
  mustShow: boolean;
  known: readonly KnownRequest[];
};

/** `src/request/client.rs`, ResolveCall. */
type ResolveCall = {
  threadExists: boolean;
  origin: RequestOrigin;
  answered: boolean;
  responseJson: string | undefined;
  policy: string | undefined;
  known: readonly KnownRequest[];
};

/** `src/request/client.rs`, UpsertCall. */
type UpsertCall = {
  threadExists: boolean;
  turnStatus: string | undefined;
  requestId: string | number;
  method: string;
  turnId: string;
  itemId: string;
  origin: RequestOrigin;
  payloadJson: string;
  reason: string | undefined;
  questionsJson: string | undefined;
  known: readonly RequestFacts[];
};

/** The answers that a call can have; every one can be rejected. */
type RequestAnswerOf<Type extends wasm.RequestAnswer["type"]> = Extract<wasm.RequestAnswer, { type: Type | "rejected" }>;

const instance = new Instance(bytes, wasm.initSync);

/** Plans an `approvals.respond`. */
export const planRespond = (call: RespondCall) => ask<"needs" | "keep" | "again" | "decide">(wasm.planRespond, packRespond(call));

/** Plans a `serverRequests.resolve`. */
export const planResolve = (call: ResolveCall) => ask<"needs" | "keep" | "resolve">(wasm.planResolve, packResolve(call));

/** Plans a `serverRequests.upsertPending`. */
export const planUpsert = (call: UpsertCall) => ask<"keep" | "upsert">(wasm.planUpsert, packUpsert(call));

/** Plans a `commands.send` of a decision; `asked` is the request that it names, with what that says. */
export function planDecisionSend(send: CommandSendCall, asked: KnownRequest | null): wasm.DecisionSendAnswer {
  const packer = new Packer();
  commandSend(packer, send);
  packer.optional(asked, (known) => knownRequest(packer, known));
  return instance.askPacked(wasm.planDecisionSend, packer.end());
}

/** Plans the commands of decisions that the component sends at once; an answer for each. */
export function planSends(calls: readonly CommandSendCall[]): wasm.CommandAnswer[] {
  const packer = new Packer();
  packer.list(calls, (call) => commandSend(packer, call));
  return instance.askPacked(wasm.planSends, packer.end());
}

type Entry = (texts: Uint8Array, numbers: Float64Array) => wasm.RequestAnswer;

function ask<Type extends wasm.RequestAnswer["type"]>(entry: Entry, call: Packed): RequestAnswerOf<Type> {
  return instance.askPacked(entry, call) as RequestAnswerOf<Type>;
}

function packRespond(call: RespondCall): Packed {
  const packer = new Packer();
  packer.flag(call.threadExists);
  packer.optionalText(call.requestId === undefined ? undefined : JSON.stringify(call.requestId));
  packer.text(call.decision);
  packer.optionalText(call.shownSha256);
  packer.flag(call.mustShow);
  packer.list(call.known, (known) => knownRequest(packer, known));
  return packer.end();
}

function packResolve(call: ResolveCall): Packed {
  const packer = new Packer();
  packer.flag(call.threadExists);
  requestOrigin(packer, call.origin);
  packer.flag(call.answered);
  packer.optionalText(call.responseJson);
  packer.optionalText(call.policy);
  packer.list(call.known, (known) => knownRequest(packer, known));
  return packer.end();
}

function packUpsert(call: UpsertCall): Packed {
  const packer = new Packer();
  packer.flag(call.threadExists);
  packer.optionalText(call.turnStatus);
  packer.text(JSON.stringify(call.requestId));
  packer.text(call.method);
  packer.text(call.turnId);
  packer.text(call.itemId);
  requestOrigin(packer, call.origin);
  packer.text(call.payloadJson);
  packer.optionalText(call.reason);
  packer.optionalText(call.questionsJson);
  packer.list(call.known, (known) => requestFacts(packer, known));
  return packer.end();
}
