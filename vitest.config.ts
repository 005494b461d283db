import path from "node:path";
import { defineConfig, type Plugin } from "vitest/config";
import { V8_FLAGS } from "./tools/embedded-convex/run.mjs";

const BUNDLING_TIMEOUT_MS = 180_000;
/** Processes start, die, and are started again. */
const STARTING_TIMEOUT_MS = 60_000;
/** A poll waits for other processes, on a machine that may be busy. */
const POLL_TIMEOUT_MS = 30_000;

const tests = (layer: string) => [`tests/${layer}/**/*.test.{ts,tsx}`];
const withBundling = { environment: "node", testTimeout: BUNDLING_TIMEOUT_MS, hookTimeout: BUNDLING_TIMEOUT_MS } as const;

/** The workspace that has the lowest versions of what the package works with. */
const OLDEST = path.resolve("tests/packaging/oldest/package.json");

/** Of the hooks' tests what leans on React most: subscriptions, effects, timers, optimistic writes, contexts. */
const OLDEST_HOOKS = ["golden-path", "use-codex", "use-codex-messages", "use-codex-send", "use-codex-smooth-text", "use-codex-turn"].map((name) => `tests/react/${name}.test.tsx`);

/** React and `convex` from there; what renders the hooks is one package for both, and asks for React as a module. */
const oldestPeers: Plugin = {
  name: "oldest-peers",
  enforce: "pre",
  resolveId(id, _importer, options) {
    if (id === "@testing-library/react") return path.resolve("node_modules/@testing-library/react/dist/@testing-library/react.esm.js");
    return /^(?:react|react-dom|convex)(?:\/|$)/.test(id) ? this.resolve(id, OLDEST, { ...options, skipSelf: true }) : null;
  },
};

export default defineConfig({
  test: {
    // The default leaves one core to the process that starts them, which is idle: on two cores every file waited for the one before it.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "convex",
          include: tests("convex"),
          environment: "edge-runtime",
          server: { deps: { inline: ["convex-test"] } },
        },
      },
      // The component's tests once more, in the bundle that the real CLI pushes: a fresh context for every call.
      {
        test: {
          name: "bundle",
          include: [...tests("convex"), ...tests("bundle")],
          // Each of its 400 cases builds two deployments: tests/bundle/strangers.test.ts builds two for each stranger.
          // A call of 8 MiB takes more than a second there where the machine is slow; what they are about, the project `convex` counts as well.
          exclude: ["tests/convex/tenancy.test.ts", "tests/convex/crowded-batches.test.ts", "tests/convex/odd-arguments.test.ts"],
          globalSetup: "tests/convex/bundle-setup.ts",
          environment: "node",
          pool: "forks",
          execArgv: V8_FLAGS,
          server: { deps: { inline: ["convex-test"] } },
          testTimeout: BUNDLING_TIMEOUT_MS,
        },
      },
      { test: { name: "protocol", include: tests("protocol"), environment: "node" } },
      { test: { name: "app-server", include: tests("app-server"), environment: "node" } },
      { test: { name: "bridge", include: tests("bridge"), environment: "node" } },
      { test: { name: "runtime", include: tests("runtime"), environment: "node", testTimeout: STARTING_TIMEOUT_MS, hookTimeout: STARTING_TIMEOUT_MS } },
      { test: { name: "outbox", include: tests("outbox"), environment: "node", testTimeout: BUNDLING_TIMEOUT_MS } },
      { test: { name: "host", include: tests("host"), environment: "node" } },
      { test: { name: "react", include: tests("react"), environment: "jsdom" } },
      {
        plugins: [oldestPeers],
        test: {
          name: "react-oldest",
          include: OLDEST_HOOKS,
          environment: "jsdom",
          setupFiles: "tests/react/oldest-setup.ts",
          server: { deps: { inline: ["@testing-library/react", "convex-test", "convex-helpers"] } },
        },
      },
      { test: { name: "bench", include: tests("bench"), environment: "node" } },
      { test: { name: "web", include: tests("web"), environment: "jsdom" } },
      { test: { name: "cli", include: tests("cli"), ...withBundling, expect: { poll: { timeout: POLL_TIMEOUT_MS } } } },
      { test: { name: "packaging", include: tests("packaging"), globalSetup: "tests/packaging/pack-setup.ts", ...withBundling } },
      { test: { name: "e2e", include: tests("e2e"), globalSetup: "tests/e2e/page-setup.ts", ...withBundling, expect: { poll: { timeout: POLL_TIMEOUT_MS } } } },
    ],
  },
});
