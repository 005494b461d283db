/** What the core plans for presence. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_presence";
import * as wasm from "#wasm/presence";
import { commandFacts, Packer, runtimeFacts, type CommandFacts, type Packed, type RuntimeFacts } from "./boundary.js";
import { Instance } from "./instance.js";

/** `src/presence.rs`, PresenceRow. */
type PresenceFacts = { deviceId: string; generation: number; awayAt: number; away: boolean };

/** `src/presence.rs`, BeatCall. */
type BeatCall = {
  nowMs: number;
  runtime: RuntimeFacts;
  phase: string;
  login: string | undefined;
  threads: readonly {
    threadId: string;
    turnId?: string | undefined;
    pendingRequests: number;
    outboxEvents: number;
    oldestEventAt?: number | undefined;
  }[];
  row: PresenceFacts | null;
  held: number;
  oldest: PresenceFacts | null;
  commands: readonly { bound: RuntimeFacts | null; letsLapse: boolean; command: CommandFacts }[];
};

/** `src/presence.rs`, PresenceViewCall: the runtime that beat last first. */
type PresenceViewCall = {
  /** The place of the asked runtime, one beyond them where it has none; none where none is asked for. */
  asked: number | undefined;
  runtimes: readonly { away: boolean; phase: string; login: string; hasThread: boolean }[];
};

type Answer<Type extends wasm.PresenceAnswer["type"]> = Extract<wasm.PresenceAnswer, { type: Type }>;

const instance = new Instance(bytes, wasm.initSync);

/** Plans a `presence.beat`. */
export function planBeat(call: BeatCall): Answer<"rejected" | "beat"> {
  return instance.askPacked(wasm.planBeat, packBeat(call)) as Answer<"rejected" | "beat">;
}

/** Plans an expiry of a runtime's row. */
export function planPresenceExpiry(nowMs: number, row: PresenceFacts | null): Answer<"away" | "again" | "done"> {
  const packer = new Packer();
  packer.number(nowMs);
  packer.optional(row, (facts) => presenceFacts(packer, facts));
  return instance.askPacked(wasm.planPresenceExpiry, packer.end()) as Answer<"away" | "again" | "done">;
}

/** Decides which runtime a reader is shown, and how it stands. */
export function viewPresence(call: PresenceViewCall): wasm.PresenceSeen {
  const packer = new Packer();
  packer.optionalNumber(call.asked);
  packer.list(call.runtimes, (runtime) => {
    packer.flag(runtime.away);
    packer.text(runtime.phase);
    packer.text(runtime.login);
    packer.flag(runtime.hasThread);
  });
  return instance.askPacked(wasm.viewPresence, packer.end());
}

function packBeat(call: BeatCall): Packed {
  const packer = new Packer();
  packer.number(call.nowMs);
  runtimeFacts(packer, call.runtime);
  packer.text(call.phase);
  packer.optionalText(call.login);
  packer.list(call.threads, (thread) => {
    packer.text(thread.threadId);
    packer.optionalText(thread.turnId);
    packer.number(thread.pendingRequests);
    packer.number(thread.outboxEvents);
    packer.optionalNumber(thread.oldestEventAt);
  });
  packer.optional(call.row, (row) => presenceFacts(packer, row));
  packer.number(call.held);
  packer.optional(call.oldest, (row) => presenceFacts(packer, row));
  packer.list(call.commands, ({ bound, letsLapse, command }) => {
    packer.optional(bound, (runtime) => runtimeFacts(packer, runtime));
    packer.flag(letsLapse);
    commandFacts(packer, command);
  });
  return packer.end();
}

function presenceFacts(packer: Packer, row: PresenceFacts): void {
  packer.text(row.deviceId);
  packer.number(row.generation);
  packer.number(row.awayAt);
  packer.flag(row.away);
}
