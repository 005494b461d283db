/** A process of codex, and what the bridge says while it is started. */
import { expect, it } from "vitest";
import { CodexProcesses } from "../../js-wrapper/runtime/codex-processes.js";
import { CodexRuntimeError } from "../../js-wrapper/runtime/errors.js";

const nothing = () => undefined;
const done = () => Promise.resolve();

function processes() {
  return new CodexProcesses({
    bridge: { start: nothing, stop: done },
    client: { request: () => Promise.resolve({} as never), notify: nothing, rejectAll: nothing },
    ...{ tellsStart: true, runtimeId: "rt", generation: 1, nextGeneration: () => 2, initialize: { clientInfo: { name: "n", title: null, version: "1" }, capabilities: null } },
    ...{ started: nothing, ended: nothing, load: done, refused: nothing, reconnecting: nothing, gaveUp: nothing, failed: nothing },
  });
}

it("runs though something else went wrong while it was started", async () => {
  const codex = processes();
  const begun = codex.begin(done);
  codex.wentWrong(new CodexRuntimeError("E_INTERNAL", "a handler failed"));
  codex.spawned();
  await expect(begun).resolves.toBeUndefined();
});

it("does not run for the reason that was told last, where it ends at once", async () => {
  const codex = processes();
  const begun = codex.begin(done);
  codex.wentWrong(new CodexRuntimeError("E_CODEX_NOT_FOUND", "no codex binary"));
  codex.processEnded();
  await expect(begun).rejects.toMatchObject({ code: "E_CODEX_NOT_FOUND" });
  const again = processes();
  const ended = again.begin(done);
  again.processEnded();
  await expect(ended).rejects.toMatchObject({ code: "E_BRIDGE_PROCESS_EXITED" });
});
