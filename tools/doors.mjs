// The wasm modules, one for each that asks the core: the crates of `doors/`, and the names of their files in `pkg/`.
const KIB = 1024;

/** What a module may weigh; Convex builds it anew for every call that asks it. */
export const DOOR_BUDGETS_BYTES = {
  ingest: { raw: 96 * KIB, gzip: 42 * KIB },
  reads: { raw: 24 * KIB, gzip: 12 * KIB },
  reasoning: { raw: 20 * KIB, gzip: 10 * KIB },
  clients: { raw: 48 * KIB, gzip: 24 * KIB },
  // What decides an approval and sends that is one module: a call builds it in the place of two.
  control: { raw: 49 * KIB, gzip: 24 * KIB },
  devices: { raw: 20 * KIB, gzip: 10 * KIB },
  threads: { raw: 32 * KIB, gzip: 16 * KIB },
  commands: { raw: 40 * KIB, gzip: 20 * KIB },
  presence: { raw: 24 * KIB, gzip: 12 * KIB },
  imports: { raw: 28 * KIB, gzip: 14 * KIB },
  sweep: { raw: 48 * KIB, gzip: 24 * KIB },
  // Node loads it, once for a process.
  bridge: { raw: 59 * KIB, gzip: 28.5 * KIB },
};

export const DOORS = Object.keys(DOOR_BUDGETS_BYTES);
