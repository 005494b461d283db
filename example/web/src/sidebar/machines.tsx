import { useCodexPresence, type UseCodexPresenceResult } from "convex-codex-local/react";
import { api } from "../api.js";
import { failureWords } from "../failure.js";
import { formatTime } from "../format.js";

type Runtime = UseCodexPresenceResult["machines"][number];

/** The machines that bridges run on, and whether they are reachable. */
export function Machines() {
  const { machines, isLoading, error } = useCodexPresence(api.chat.listPresence, {});
  const devices = byDevice(machines);
  return (
    <section className="machines" aria-labelledby="machines-title">
      <h2 id="machines-title">Machines</h2>
      {error !== undefined && <p className="aside">They could not be read. {failureWords(error)}</p>}
      {devices.length === 0 && !isLoading && error === undefined && <p className="aside">No machine has been here yet.</p>}
      <ul>
        {devices.map(([deviceId, runtimes]) => (
          <Machine key={deviceId} deviceId={deviceId} runtimes={runtimes} />
        ))}
      </ul>
    </section>
  );
}

function Machine({ deviceId, runtimes }: { deviceId: string; runtimes: readonly Runtime[] }) {
  const here = runtimes.filter(({ away }) => !away);
  const threads = here.flatMap((runtime) => runtime.threads);
  const running = threads.filter(({ turnId }) => turnId !== undefined).length;
  const late = threads.filter(({ catchingUp }) => catchingUp);
  const behind = late.reduce((sum, thread) => sum + thread.behind, 0);
  const lastBeat = Math.max(...runtimes.map(({ beatAt }) => beatAt));
  return (
    <li className={here.length > 0 ? "machine machine-here" : "machine"}>
      <span className="dot" aria-hidden="true" />
      <span className="machine-name" title={deviceId}>
        {deviceId}
      </span>
      <span className="machine-state">
        {here.length === 0
          ? `away since ${formatTime(lastBeat)}`
          : [phaseWords(here), running > 0 && `${running} working`, behind > 0 && `catching up, ${behind} behind`]
              .filter((word) => word !== false)
              .join(" · ")}
      </span>
    </li>
  );
}

/** Of several bridges on a machine the one that is best off. */
function phaseWords(runtimes: readonly Runtime[]): string {
  const phases = new Set(runtimes.map(({ phase }) => phase));
  if (phases.has("running") || phases.has("ready")) {
    const isSignedOut = runtimes.every(({ login }) => login === "out");
    return isSignedOut ? "Codex is signed out" : "reachable";
  }
  if (phases.has("starting")) return "Codex starts";
  if (phases.has("reconnecting")) return "Codex starts again";
  return phases.has("failed") ? "the bridge failed" : "the bridge stopped";
}

/** The machine that beat last first, as the list has it. */
function byDevice(machines: readonly Runtime[]): [string, Runtime[]][] {
  const devices = new Map<string, Runtime[]>();
  for (const runtime of machines) {
    devices.set(runtime.deviceId, [...(devices.get(runtime.deviceId) ?? []), runtime]);
  }
  return [...devices];
}
