// That a call's context, and the modules in it, can be collected once it is over (embedded-convex.test.ts).
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";

const CALLS = 50;

export default async ({ call, assert }) => {
  const contextsKept = async () => {
    await sleep(10); // what a finished call left to the event loop
    globalThis.gc();
    return getHeapStatistics().number_of_native_contexts;
  };
  for (let n = 0; n < CALLS; n++) await call("app:clock");
  const before = await contextsKept();
  for (let n = 0; n < CALLS; n++) await call("app:clock");
  const after = await contextsKept();
  assert.ok(after - before < CALLS / 2, `${before} contexts after ${CALLS} calls, ${after} after as many again`);
};
