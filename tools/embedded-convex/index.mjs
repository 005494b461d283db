// The embedded Convex as a library. Node has to run with --experimental-vm-modules: `cli.mjs` and `runScript` see to it.
export { pushApp, runCodegen, runCli, convexBin } from "./push.mjs";
export { Backend, ARGUMENT_BYTES_MAX, USER_TIME_LIMIT_MS } from "./backend.mjs";
export { serve } from "./serve.mjs";
export { firstTouch } from "./footprint.mjs";
export { emptyUsage, addUsage } from "./usage.mjs";
export { analyzePush } from "./analyze.mjs";
