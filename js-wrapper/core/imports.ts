/** What the core makes of a thread's history. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_imports";
import * as wasm from "#wasm/imports";
import { newThread, Packer, type NewThread } from "./boundary.js";
import { Instance } from "./instance.js";

export type { ImportEvent } from "#wasm/imports";

/** `src/import.rs`, Place. */
export type Place = { turn: number; item: number };

/** `src/import.rs`, Progress. */
type Progress = { state: string; position: Place; importedItems: number; quarantined: number };

/** `src/import.rs`, ImportCall. */
type ImportCall = {
  /** The thread that is to be made; null where it exists. */
  newThread: NewThread | null;
  legacy: boolean;
  restart: boolean;
  used: boolean;
  atEnd: boolean;
  known: Progress | null;
  at: Place;
  turns: readonly { turnId: string; turnJson: string; more?: boolean | undefined; foreign: boolean; items: readonly string[] }[];
};

const instance = new Instance(bytes, wasm.initSync);

/** Plans a page of a history. */
export function planImport(call: ImportCall): wasm.ImportAnswer {
  const packer = new Packer();
  packer.optional(call.newThread, (made) => newThread(packer, made));
  for (const flag of [call.legacy, call.restart, call.used, call.atEnd]) packer.flag(flag);
  packer.optional(call.known, (known) => {
    packer.text(known.state);
    place(packer, known.position);
    packer.number(known.importedItems);
    packer.number(known.quarantined);
  });
  place(packer, call.at);
  packer.list(call.turns, (turn) => {
    packer.text(turn.turnId);
    packer.text(turn.turnJson);
    packer.flag(turn.more === true);
    packer.flag(turn.foreign);
    packer.list(turn.items, (item) => packer.text(item));
  });
  return instance.askPacked(wasm.planImport, packer.end());
}

function place(packer: Packer, { turn, item }: Place): void {
  packer.number(turn);
  packer.number(item);
}
