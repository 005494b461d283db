// Loaded first: this process's wall clock is off by what the file named by SOAK_CLOCK says, and jumps when that changes. Timers are not, as on a real machine.
import { readFileSync } from "node:fs";

const LOOK_MS = 500;
const file = process.env["SOAK_CLOCK"];
/** The true time, in milliseconds since 1970. */
export const trueNow = Date.now;
let offMs = 0;
const look = () => {
  try {
    offMs = Number(readFileSync(file, "utf8"));
  } catch {
    offMs = 0;
  }
};
look();
setInterval(look, LOOK_MS).unref();
Date.now = () => trueNow() + offMs;
