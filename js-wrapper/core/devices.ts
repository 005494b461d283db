/** What the core decides of device tokens. Every call throws CoreError where the core has a bug. */
import bytes from "#wasm/bytes_devices";
import * as wasm from "#wasm/devices";
import { Packer } from "./boundary.js";
import { Instance } from "./instance.js";

/** `src/device.rs`, IssueCall. */
type IssueCall = {
  nowMs: number;
  deviceId: string;
  label: string | undefined;
  ttlMs: number | undefined;
  /** Chance that the asker brings, and chance of the server. */
  entropy: string;
  random: string;
  /** Tokens of the user that hold. */
  held: number;
};

const instance = new Instance(bytes, wasm.initSync);

/** Plans a `devices.issueToken`. */
export function planIssue(call: IssueCall): wasm.DeviceAnswer {
  const packer = new Packer();
  packer.number(call.nowMs);
  packer.text(call.deviceId);
  packer.optionalText(call.label);
  packer.number(call.ttlMs ?? Number.NaN);
  packer.text(call.entropy);
  packer.text(call.random);
  packer.number(call.held);
  return instance.askPacked(wasm.planIssue, packer.end());
}

/** What a token is stored as, and looked up by. */
export function tokenHash(token: string): string {
  const packer = new Packer();
  packer.text(token);
  return instance.askPacked(wasm.tokenHash, packer.end());
}
