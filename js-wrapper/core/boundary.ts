/**
 * The JavaScript side of the boundary; the other one is `doors/`. A call goes in packed: all texts joined and encoded
 * once, every number, flag and text length (UTF-16 units; -1: none) in one list, in the order in which the `unpack`
 * functions of `src/` read them.
 */
export type * from "#wasm/ingest";

/** A packed call. */
export type Packed = { texts: Uint8Array; numbers: Float64Array };

/** The six options of an app; what is left out is the core's default. */
type RuntimeOptions = {
  saveStreamDeltas?: boolean | undefined;
  saveReasoningDeltas?: boolean | undefined;
  exposeRawReasoningDeltas?: boolean | undefined;
  maxDeltasPerStreamRead?: number | undefined;
  maxDeltasPerRequestRead?: number | undefined;
  finishedStreamDeleteDelayMs?: number | undefined;
};

/** Kinds that a turn keeps the newest of. SOURCE: `src/event/methods.rs`, NEWEST_OF_TURN. */
const NEWEST_OF_TURN = 4;

/** A half-open range of cursors. */
export type Range = { start: number; end: number };

/** `src/ingest/call.rs`, ThreadRow. */
export type ThreadFacts = {
  localThreadId?: string | undefined;
  nextTurnOrder: number;
  status: string;
  name?: string | undefined;
};

/** `src/session.rs`, SessionRow. */
export type SessionFacts = { sessionId: string; deviceId: string; epoch: number; lastBeatAt: number };

/** `src/session.rs`, SessionFacts. */
export type SessionContext = {
  sessionId: string;
  deviceId: string;
  own: SessionFacts | null;
  writer: SessionFacts | null;
  boundElsewhere: boolean;
};

/** `src/ingest/call.rs`, HeadRow. */
type HeadFacts = {
  streamId: string;
  threadId: string;
  turnId: string;
  turnOrder?: number | undefined;
  latest: number;
  holes: readonly Range[];
  eventCount: number;
  weight: number;
  closed: boolean;
  swept: boolean;
  hasItems: boolean;
  open: readonly {
    itemId: string;
    messageId: string;
    startCursor: number;
    fold?: { cursor: number; weight: number; fill: number; started: boolean } | undefined;
  }[];
  newest?: readonly number[] | undefined;
};

/** `src/fold.rs`, FoldRow. */
export type FoldFacts = {
  /** The message's index in the list of messages. */
  message: number;
  cursor: number;
  pendingHigh: number | undefined;
  textBytes: number;
  part: number;
  last: string;
  runs: readonly { cursorStart: number; text: string; leadingLow?: number | undefined; pendingHigh?: number | undefined }[];
  end: number;
};

/** `src/ingest/call.rs`, Delta. */
export type StreamEvent = {
  eventId: string;
  turnId: string;
  streamId: string;
  kind: string;
  payloadJson: string;
  cursorStart: number;
  cursorEnd: number;
  createdAt: number;
};

/** `src/ingest/call.rs`, LifecycleEvent. */
type ThreadEvent = {
  eventId: string;
  turnId?: string | undefined;
  kind: string;
  payloadJson: string;
  createdAt: number;
};

/** `src/ingest/call.rs`, Loaded. */
export type LoadedRows = {
  turns: readonly {
    turnId: string;
    turnOrder: number;
    status: string;
    source?: string | undefined;
    hasItems: boolean;
    sameRunAs?: string | undefined;
    startedAt?: number | undefined;
  }[];
  messages: readonly {
    turnId: string;
    itemId: string;
    messageId: string;
    occurrence: number;
    streamId?: string | undefined;
    startCursor: number;
    endCursor?: number | undefined;
    restart?: { cursor: number; seen: boolean } | undefined;
    status: string;
    closing: string;
    textWhole: boolean;
    payloadUnits: number;
  }[];
  streams: readonly { streamId: string; turnId: string; state: string }[];
  places: readonly { streamId: string; range: Range; eventId: string }[];
  nextOrders: readonly { turnId: string; next: number }[];
  lifecycleIds: readonly string[];
  usagePlace: number;
  folds: readonly FoldFacts[];
  quarantine: readonly { eventId: string; bytes: number }[];
  requests: readonly RequestFacts[];
  deletedTurns: readonly string[];
};

/** `src/request.rs`, RequestRow. */
export type RequestFacts = RequestOrigin & {
  requestId: string | number;
  method: string;
  turnId: string;
  eventId?: string | undefined;
  status: string;
  cause?: string | undefined;
  autoResolutionMs?: number | undefined;
};

/** `src/command/send.rs`, Named. */
export type NamedFacts = {
  turn: TargetTurnFacts | null;
  carrier: CommandFacts | null;
  /** The turn that has the client's id. */
  clientTurn: TargetTurnFacts | null;
  request: TargetRequestFacts | null;
  /** The app-server's method, of the request. */
  method: string | undefined;
  /** Of what another function sends: the newest open command that asks for the same. */
  same: CommandFacts | null;
};

/** `src/command/send.rs`, CommandSendCall. */
export type CommandSendCall = {
  nowMs: number;
  thread: ThreadFacts | null;
  commandId: string;
  kind: string;
  payloadJson: string;
  ttlMs: number | undefined;
  /** Another function of the component sends it. */
  own: boolean;
  sentBefore: { sameThread: boolean; kind: string; payloadJson: string; ttlMs?: number | undefined } | null;
  openCount: number;
  nextOrder: number;
  named: NamedFacts | null;
};

/** `src/request/client.rs`, KnownRequest. */
export type KnownRequest = RequestFacts & { decisionJson?: string | undefined; payloadJson?: string | undefined };

/** `src/request.rs`, Origin. */
export type RequestOrigin = {
  runtimeId?: string | undefined;
  generation?: number | undefined;
  appGeneration?: number | undefined;
};

/** `src/ingest/call.rs`, IngestCall. */
export type IngestCall = {
  strict: boolean;
  nowMs: number;
  threadId: string;
  runtime: RuntimeOptions | undefined;
  thread: ThreadFacts | null;
  session: SessionContext;
  heads: readonly HeadFacts[];
  marks: readonly { runtimeId: string; next: number }[];
  deltas: readonly StreamEvent[];
  lifecycle: readonly ThreadEvent[];
  loaded: LoadedRows | null;
};

/** `src/tombstone.rs`, NewThread. */
export type NewThread = { tenantId: string; userId: string; threadId: string };

/** `src/options.rs`, `unpack_reader`: a reader's options, and whether it reads one stream alone. */
export type ReaderCall = { runtime: RuntimeOptions | undefined; alone: boolean };

/** `src/delta/window.rs`, WindowCall. */
export type WindowCall = ReaderCall & {
  streams: readonly {
    requested: number;
    latest: number;
    chunks: readonly { range: Range; kept: readonly Range[] }[];
  }[];
};

/** `src/turn.rs`, TurnStartCall. */
export type TurnStartCall = {
  nowMs: number;
  thread: ThreadFacts | null;
  startedBefore: string | undefined;
  exists: boolean;
  deleted: boolean;
  keys: number;
  texts: readonly string[];
};

/** `src/turn.rs`, TurnInterruptCall. */
export type TurnInterruptCall = { nowMs: number; reason: string | undefined; loaded: LoadedRows };

/** `planSession` of `doors/clients`. */
export type SessionCall = { heartbeat: boolean; session: SessionContext };

/** `planCheckpoint` of `doors/clients`. */
export type CheckpointCall = { nowMs: number; cursor: number; known: number | undefined; streamExists: boolean };

/** `src/retention.rs`, TrimCall. */
export type TrimCall = {
  overdue: boolean;
  holes: readonly Range[];
  messages: readonly { textWhole: boolean; payloadUnits: number }[];
  folds: readonly FoldFacts[];
  chunks: readonly { range: Range; due: boolean; texts: readonly { message: number; start: number }[] }[];
};

/** `src/retention.rs`, SilenceCall. */
export type SilenceCall = { nowMs: number; lastBeatAt: number | undefined; runtimeId: string | undefined; reason: string | undefined; loaded: LoadedRows };

/** Writes the fields of a call, in order. */
export class Packer {
  readonly #texts: string[] = [];
  readonly #numbers: number[] = [];

  number(value: number): void {
    this.#numbers.push(value);
  }

  optionalNumber(value: number | undefined): void {
    this.#numbers.push(value ?? Number.NaN);
  }

  flag(value: boolean): void {
    this.#numbers.push(value ? 1 : 0);
  }

  text(value: string): void {
    this.#numbers.push(value.length);
    this.#texts.push(value);
  }

  optionalText(value: string | undefined): void {
    if (value === undefined) this.#numbers.push(-1);
    else this.text(value);
  }

  list<Member>(members: readonly Member[], pack: (member: Member) => void): void {
    this.#numbers.push(members.length);
    for (const member of members) pack(member);
  }

  optional<Value>(value: Value | null, pack: (value: Value) => void): void {
    this.flag(value !== null);
    if (value !== null) pack(value);
  }

  end(): Packed {
    return { texts: new TextEncoder().encode(this.#texts.join("")), numbers: Float64Array.from(this.#numbers) };
  }
}

export function packIngest(call: IngestCall): Packed {
  const packer = new Packer();
  packer.flag(call.strict);
  packer.number(call.nowMs);
  packer.text(call.threadId);
  options(packer, call.runtime);
  packer.optional(call.thread, (thread) => threadFacts(packer, thread));
  sessionContext(packer, call.session);
  packer.list(call.heads, (head) => {
    packer.text(head.streamId);
    packer.text(head.threadId);
    packer.text(head.turnId);
    packer.optionalNumber(head.turnOrder);
    packer.number(head.latest);
    packer.list(head.holes, (hole) => range(packer, hole));
    packer.number(head.eventCount);
    packer.number(head.weight);
    packer.flag(head.closed);
    packer.flag(head.swept);
    packer.flag(head.hasItems);
    packer.list(head.open, (item) => {
      packer.text(item.itemId);
      packer.text(item.messageId);
      packer.number(item.startCursor);
      packer.optional(item.fold ?? null, (fold) => {
        packer.number(fold.cursor);
        packer.number(fold.weight);
        packer.number(fold.fill);
        packer.flag(fold.started);
      });
    });
    for (let kind = 0; kind < NEWEST_OF_TURN; kind++) packer.number(head.newest?.[kind] ?? 0);
  });
  packer.list(call.marks, (mark) => {
    packer.text(mark.runtimeId);
    packer.number(mark.next);
  });
  packer.list(call.deltas, (delta) => {
    packer.text(delta.eventId);
    packer.text(delta.turnId);
    packer.text(delta.streamId);
    packer.text(delta.kind);
    packer.text(delta.payloadJson);
    packer.number(delta.cursorStart);
    packer.number(delta.cursorEnd);
    packer.number(delta.createdAt);
  });
  packer.list(call.lifecycle, (event) => {
    packer.text(event.eventId);
    packer.optionalText(event.turnId);
    packer.text(event.kind);
    packer.text(event.payloadJson);
    packer.number(event.createdAt);
  });
  packer.optional(call.loaded, (loaded) => loadedRows(packer, loaded));
  return packer.end();
}

export function packWindow(call: WindowCall): Packed {
  const packer = new Packer();
  reader(packer, call);
  packer.list(call.streams, (stream) => {
    packer.number(stream.requested);
    packer.number(stream.latest);
    packer.list(stream.chunks, (chunk) => {
      range(packer, chunk.range);
      packer.list(chunk.kept, (kept) => range(packer, kept));
    });
  });
  return packer.end();
}

export function packTurnStart(call: TurnStartCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.optional(call.thread, (thread) => threadFacts(packer, thread));
  packer.optionalText(call.startedBefore);
  packer.flag(call.exists);
  packer.flag(call.deleted);
  packer.number(call.keys);
  packer.list(call.texts, (text) => packer.text(text));
  return packer.end();
}

export function packTurnInterrupt(call: TurnInterruptCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.optionalText(call.reason);
  loadedRows(packer, call.loaded);
  return packer.end();
}

export function packTrim(call: TrimCall): Packed {
  const packer = new Packer();
  packer.flag(call.overdue);
  packer.list(call.holes, (hole) => range(packer, hole));
  packer.list(call.messages, (message) => {
    packer.flag(message.textWhole);
    packer.flag(message.payloadUnits > 0);
  });
  packer.list(call.folds, (fold) => foldFacts(packer, fold));
  packer.list(call.chunks, (chunk) => {
    range(packer, chunk.range);
    packer.flag(chunk.due);
    packer.list(chunk.texts, (text) => {
      packer.number(text.message);
      packer.number(text.start);
    });
  });
  return packer.end();
}

export function packSilence(call: SilenceCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.optionalNumber(call.lastBeatAt);
  packer.optionalText(call.runtimeId);
  packer.optionalText(call.reason);
  loadedRows(packer, call.loaded);
  return packer.end();
}

export function packSession(call: SessionCall): Packed {
  const packer = new Packer();
  packer.flag(call.heartbeat);
  sessionContext(packer, call.session);
  return packer.end();
}

export function packAdmission(nowMs: number, session: SessionContext): Packed {
  const packer = new Packer();
  packer.number(nowMs);
  sessionContext(packer, session);
  return packer.end();
}

export function newThread(packer: Packer, { tenantId, userId, threadId }: NewThread): void {
  for (const text of [tenantId, userId, threadId]) packer.text(text);
}

export function packReader(call: ReaderCall): Packed {
  const packer = new Packer();
  reader(packer, call);
  return packer.end();
}

function reader(packer: Packer, { runtime, alone }: ReaderCall): void {
  options(packer, runtime);
  packer.flag(alone);
}

/** NaN is "not set" in the call; an option that is NaN means its default, which is the same. */
function options(packer: Packer, runtime: RuntimeOptions = {}): void {
  for (const flag of [runtime.saveStreamDeltas, runtime.saveReasoningDeltas, runtime.exposeRawReasoningDeltas]) {
    packer.optionalNumber(flag === undefined ? undefined : Number(flag));
  }
  packer.optionalNumber(runtime.maxDeltasPerStreamRead);
  packer.optionalNumber(runtime.maxDeltasPerRequestRead);
  packer.optionalNumber(runtime.finishedStreamDeleteDelayMs);
}

export function threadFacts(packer: Packer, thread: ThreadFacts): void {
  packer.optionalText(thread.localThreadId);
  packer.number(thread.nextTurnOrder);
  packer.flag(thread.status === "archived");
  packer.optionalText(thread.name);
}

function sessionContext(packer: Packer, session: SessionContext): void {
  packer.text(session.sessionId);
  packer.text(session.deviceId);
  for (const row of [session.own, session.writer]) packer.optional(row, (facts) => sessionFacts(packer, facts));
  packer.flag(session.boundElsewhere);
}

function sessionFacts(packer: Packer, row: SessionFacts): void {
  packer.text(row.sessionId);
  packer.text(row.deviceId);
  packer.number(row.epoch);
  packer.number(row.lastBeatAt);
}

function loadedRows(packer: Packer, loaded: LoadedRows): void {
  packer.list(loaded.turns, (turn) => {
    packer.text(turn.turnId);
    packer.number(turn.turnOrder);
    packer.text(turn.status);
    packer.optionalText(turn.source);
    packer.flag(turn.hasItems);
    packer.optionalText(turn.sameRunAs);
    packer.flag(turn.startedAt !== undefined);
  });
  packer.list(loaded.messages, (message) => {
    packer.text(message.turnId);
    packer.text(message.itemId);
    packer.text(message.messageId);
    packer.number(message.occurrence);
    packer.optionalText(message.streamId);
    packer.number(message.startCursor);
    packer.optionalNumber(message.endCursor);
    packer.optional(message.restart ?? null, (restart) => {
      packer.number(restart.cursor);
      packer.flag(restart.seen);
    });
    packer.text(message.status);
    packer.text(message.closing);
    packer.flag(message.textWhole);
    packer.flag(message.payloadUnits > 0);
  });
  packer.list(loaded.streams, (stream) => {
    packer.text(stream.streamId);
    packer.text(stream.turnId);
    packer.text(stream.state);
  });
  packer.list(loaded.places, (place) => {
    packer.text(place.streamId);
    range(packer, place.range);
    packer.text(place.eventId);
  });
  packer.list(loaded.nextOrders, (order) => {
    packer.text(order.turnId);
    packer.number(order.next);
  });
  packer.list(loaded.lifecycleIds, (eventId) => packer.text(eventId));
  packer.number(loaded.usagePlace);
  packer.list(loaded.folds, (fold) => foldFacts(packer, fold));
  packer.list(loaded.quarantine, (row) => {
    packer.text(row.eventId);
    packer.number(row.bytes);
  });
  packer.list(loaded.requests, (request) => requestFacts(packer, request));
  packer.list(loaded.deletedTurns, (turnId) => packer.text(turnId));
}

export function foldFacts(packer: Packer, fold: FoldFacts): void {
  packer.number(fold.message);
  packer.number(fold.cursor);
  packer.optionalNumber(fold.pendingHigh);
  packer.number(fold.textBytes);
  packer.number(fold.part);
  packer.text(fold.last);
  packer.list(fold.runs, (run) => {
    packer.number(run.cursorStart);
    packer.text(run.text);
    packer.optionalNumber(run.leadingLow);
    packer.optionalNumber(run.pendingHigh);
  });
  packer.number(fold.end);
}

export function requestFacts(packer: Packer, request: RequestFacts): void {
  packer.text(JSON.stringify(request.requestId));
  packer.text(request.method);
  packer.text(request.turnId);
  packer.optionalText(request.eventId);
  requestOrigin(packer, request);
  packer.text(request.status);
  packer.optionalText(request.cause);
  packer.flag(request.autoResolutionMs !== undefined);
}

export function knownRequest(packer: Packer, known: KnownRequest): void {
  requestFacts(packer, known);
  packer.optionalText(known.decisionJson);
  packer.optionalText(known.payloadJson);
}

export function requestOrigin(packer: Packer, origin: RequestOrigin): void {
  packer.optionalText(origin.runtimeId);
  packer.optionalNumber(origin.generation);
  packer.optionalNumber(origin.appGeneration);
}

// ---- commands and presence

/** `src/command/row.rs`, Runtime: who asks, or who writes a thread (an empty id where its session does not say which runtime it is). */
export type RuntimeFacts = { runtimeId: string; generation: number; deviceId: string };

/** `src/command/row.rs`, TargetTurn: one that a command names, or that shows it. */
type TargetTurnFacts = { turnId?: string | undefined; status: string; source?: string | undefined };

/** `src/command/row.rs`, TargetRequest; its payload where it matters whether it asks for a secret. */
type TargetRequestFacts = { status: string; payloadJson?: string | undefined; carried: boolean };

/** `src/command/row.rs`, CommandRow. */
export type CommandFacts = {
  kind: string;
  state: string;
  order: number;
  rank: number;
  expiresAt?: number | undefined;
  lapses: number;
  lease?: { token: string; runtimeId: string; generation: number; expiresAt: number } | undefined;
  clientTurnId?: string | undefined;
  /** The turn that shows it, where it exists and the command may come to its end. */
  shown: TargetTurnFacts | null;
  turnId?: string | undefined;
  target: { turn: TargetTurnFacts | null; request: TargetRequestFacts | null };
};

export function runtimeFacts(packer: Packer, runtime: RuntimeFacts): void {
  packer.text(runtime.runtimeId);
  packer.number(runtime.generation);
  packer.text(runtime.deviceId);
}

export function commandFacts(packer: Packer, command: CommandFacts): void {
  packer.text(command.kind);
  packer.text(command.state);
  packer.number(command.order);
  packer.number(command.rank);
  packer.optionalNumber(command.expiresAt);
  packer.number(command.lapses);
  packer.optional(command.lease ?? null, (lease) => {
    packer.text(lease.token);
    packer.text(lease.runtimeId);
    packer.number(lease.generation);
    packer.number(lease.expiresAt);
  });
  packer.optionalText(command.clientTurnId);
  packer.optional(command.shown, (turn) => targetTurn(packer, turn));
  packer.optionalText(command.turnId);
  packer.optional(command.target.turn, (turn) => targetTurn(packer, turn));
  packer.optional(command.target.request, (request) => targetRequest(packer, request));
}

function targetTurn(packer: Packer, turn: TargetTurnFacts): void {
  packer.optionalText(turn.turnId);
  packer.text(turn.status);
  packer.optionalText(turn.source);
}

function targetRequest(packer: Packer, request: TargetRequestFacts): void {
  packer.text(request.status);
  packer.optionalText(request.payloadJson);
  packer.flag(request.carried);
}

/** `src/command/send.rs`, CommandSendCall. */
export function commandSend(packer: Packer, call: CommandSendCall): void {
  packer.number(call.nowMs);
  packer.optional(call.thread, (thread) => threadFacts(packer, thread));
  packer.text(call.commandId);
  packer.text(call.kind);
  packer.text(call.payloadJson);
  packer.optionalNumber(call.ttlMs);
  packer.flag(call.own);
  packer.optional(call.sentBefore, (sent) => {
    packer.flag(sent.sameThread);
    packer.text(sent.kind);
    packer.text(sent.payloadJson);
    packer.optionalNumber(sent.ttlMs);
  });
  packer.number(call.openCount);
  packer.number(call.nextOrder);
  packer.optional(call.named, (named) => {
    packer.optional(named.turn, (turn) => targetTurn(packer, turn));
    packer.optional(named.carrier, (carrier) => commandFacts(packer, carrier));
    packer.optional(named.clientTurn, (turn) => targetTurn(packer, turn));
    packer.optional(named.request, (request) => targetRequest(packer, request));
    packer.optionalText(named.method);
    packer.optional(named.same, (same) => commandFacts(packer, same));
  });
}

function range(packer: Packer, value: Range): void {
  packer.number(value.start);
  packer.number(value.end);
}
