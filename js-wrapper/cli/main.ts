#!/usr/bin/env node
/** The command line of this package: `npx convex-codex-local`. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { addBridge } from "./bridge.js";
import { Context, EXIT } from "./context.js";
import { addDoctor } from "./doctor.js";
import { addImport } from "./import.js";
import { addOutbox } from "./outbox.js";
import { addReplay } from "./replay.js";
import { addThreads } from "./threads.js";

/** What this process makes is its user's alone. */
const UMASK = 0o077;
/** From dist/js-wrapper/cli, or dist/lib/cli, to the package's folder. */
const MANIFEST = new URL("../../../package.json", import.meta.url);

const HELP = `
First steps:
  1. In the app, as a signed-in user, call issueDeviceToken, and write the token into a file that only you can read.
  2. convex-codex-local doctor --url https://happy-otter-123.convex.cloud --token-file ~/.codex-token
  3. convex-codex-local bridge --url https://happy-otter-123.convex.cloud --token-file ~/.codex-token

Installed in a folder, each begins with npx: npx convex-codex-local doctor …
\`convex-codex-local <command> --help\` has each command's options, exit codes and examples.
`;

async function main(): Promise<number> {
  const context = new Context(process.umask(UMASK));
  // A reader that has gone away (\`| head\`) is no failure.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  const program = new Command("convex-codex-local")
    .description("Keeps the Codex of this machine in a Convex deployment.")
    .version((JSON.parse(readFileSync(MANIFEST, "utf8")) as { version: string }).version, "-V, --version")
    .addHelpText("after", HELP)
    .showHelpAfterError("(add --help for the options and examples)")
    .exitOverride();
  for (const add of [addBridge, addDoctor, addThreads, addImport, addOutbox, addReplay]) add(program, context);
  try {
    await program.parseAsync();
    return context.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw thrown;
  }
}

const code = await main();
// What was printed leaves first; what still waits for something is not waited for.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
