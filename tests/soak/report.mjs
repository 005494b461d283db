// What a soak says of its minutes, and whether they stayed alike.
export const MINUTE_MS = 60_000;
const MI = 1024 * 1024;
/** How much more the last third may cost than the middle one: batches hold as many events as happened to be there. */
const RISE_MAX = 1.2;
/** Memory of a host: a third over another. */
const MEMORY_RISE_MAX = 1.15;

const INGEST = ["app/chat:ingestBatch", "codexLocal/sync:ingestSafe", "codexLocal/devices:check"];
const mi = (bytes) => `${(bytes / MI).toFixed(0)} MiB`;
const sum = (list, of) => list.reduce((total, one) => total + of(one), 0);

/** What was stored by then: rows, and their bytes. */
export const storedOf = ({ stored }) => ({ rows: sum(Object.values(stored), ({ rows }) => rows), bytes: sum(Object.values(stored), ({ bytes }) => bytes) });

/** What ingest cost in some minutes. */
export function ingestOf(minutes) {
  const events = sum(minutes, (minute) => minute.events);
  const batches = sum(minutes, ({ byFunction }) => byFunction["codexLocal/sync:ingestSafe"]?.calls ?? 0);
  const cost = (field) => sum(minutes, ({ byFunction }) => sum(Object.keys(byFunction).filter((name) => INGEST.includes(name)), (name) => byFunction[name][field]));
  const [documents, bytes] = [cost("documentsRead") + cost("documentsWritten"), cost("bytesRead") + cost("bytesWritten")];
  return { events, batches, documentsPerEvent: documents / events, bytesPerEvent: bytes / events, documentsPerBatch: documents / batches, bytesPerBatch: bytes / batches };
}

/** What a call of a function of the component costs in some minutes, with what it calls. */
export function callOf(minutes, name) {
  const calls = sum(minutes, ({ byFunction }) => byFunction[name]?.calls ?? 0);
  const cost = (...fields) => sum(minutes, ({ byFunction }) => sum(fields, (field) => byFunction[name]?.[field] ?? 0)) / calls;
  return { calls, documents: cost("documentsRead", "documentsWritten"), bytes: cost("bytesRead", "bytesWritten") };
}

export function thirdsOf(minutes) {
  const at = (part) => Math.floor((minutes.length * part) / 3);
  return [0, 1, 2].map((part) => minutes.slice(at(part), at(part + 1)));
}

/** What rose from one third to another that should not have. */
export function flatness(minutes) {
  if (minutes.length < 6) return [];
  const [first, middle, last] = thirdsOf(minutes);
  const wrong = [];
  const holds = (what, before, after, most) => {
    if (after > before * most) wrong.push(`${what} rose from ${before.toFixed(1)} to ${after.toFixed(1)}`);
  };
  const [was, is] = [ingestOf([...first, ...middle]), ingestOf(last)];
  holds("documents an event", was.documentsPerEvent, is.documentsPerEvent, RISE_MAX);
  holds("bytes an event", was.bytesPerEvent, is.bytesPerEvent, RISE_MAX);
  const rss = (of) => sum(of, ({ hosts }) => hosts.rssMean) / of.length / MI;
  holds("a host's memory in MiB", rss(middle), rss(last), MEMORY_RISE_MAX);
  return wrong;
}

export function lineOf(number, minute, { share, slowness, violations }) {
  const { events, batches, documentsPerEvent, bytesPerEvent } = ingestOf([minute]);
  const { rows, bytes } = storedOf(minute);
  return [
    `minute ${number}`,
    `${events} events in ${batches} batches${events === 0 ? "" : `, ${documentsPerEvent.toFixed(1)} documents and ${bytesPerEvent.toFixed(0)} bytes each`}`,
    `${rows} rows of ${(bytes / 1024).toFixed(0)} KiB (chunks ${minute.stored.chunks.rows}, streams ${minute.stored.streams.rows}, heads ${minute.stored.streamHeads.rows})`,
    `Convex ${mi(minute.heap)} heap, ${mi(minute.rss)}, away for ${(minute.lagMs / 1000).toFixed(1)} s`,
    `${minute.hosts.up} hosts ${mi(minute.hosts.rssMean)} each, ${minute.behind} events behind, outboxes ${(minute.outboxBytes / 1024).toFixed(0)} KiB`,
    `team ${mi(minute.team.rss)}`,
    `${(share * 100).toFixed(0)} % of a core (Convex ${((minute.cpuMs / minute.ms) * 100).toFixed(0)}), pace 1/${slowness.toFixed(2)}`,
    `${violations} violations`,
  ].join("; ");
}

/** The table of the thirds, and what happened in all. */
export function summaryOf({ minutes, tally, lost, windows, reads, evidence }) {
  const thirds = thirdsOf(minutes.slice(0, -1));
  if (thirds.some((of) => of.length === 0)) return "too short for a table";
  const lines = ["", "| | first third | second | last |", "| --- | --- | --- | --- |"];
  const row = (name, of) => lines.push(`| ${name} | ${thirds.map(of).join(" | ")} |`);
  const mean = (of, what) => sum(of, what) / of.length;
  row("events, in batches", (of) => `${ingestOf(of).events}, ${ingestOf(of).batches}`);
  row("documents read and written an event", (of) => ingestOf(of).documentsPerEvent.toFixed(2));
  row("bytes an event", (of) => ingestOf(of).bytesPerEvent.toFixed(0));
  row("documents a batch", (of) => ingestOf(of).documentsPerBatch.toFixed(2));
  row("bytes a batch", (of) => ingestOf(of).bytesPerBatch.toFixed(0));
  for (const name of ["messages:listByThread", "readers:replay", "presence:beat", "commands:lease"]) {
    if (thirds.every((of) => callOf(of, `codexLocal/${name}`).calls > 0)) row(`documents, bytes a call of \`${name}\``, (of) => `${callOf(of, `codexLocal/${name}`).documents.toFixed(1)}, ${callOf(of, `codexLocal/${name}`).bytes.toFixed(0)}`);
  }
  row("rows stored at its end, KiB", (of) => `${storedOf(of.at(-1)).rows}, ${(storedOf(of.at(-1)).bytes / 1024).toFixed(0)}`);
  row("chunks, streams, heads at its end", (of) => ["chunks", "streams", "streamHeads"].map((table) => of.at(-1).stored[table].rows).join(", "));
  row("Convex: heap at its end, resident", (of) => `${mi(of.at(-1).heap)}, ${mi(of.at(-1).rss)}`);
  row("a host resident: mean, largest", (of) => `${mi(mean(of, ({ hosts }) => hosts.rssMean))}, ${mi(Math.max(...of.map(({ hosts }) => hosts.rssMax)))}`);
  row("outboxes at its end", (of) => `${(of.at(-1).outboxBytes / 1024).toFixed(0)} KiB`);
  row("of a core", (of) => `${(mean(of, (minute) => (minute.cpuMs + minute.hosts.cpuMs + minute.team.cpuMs) / minute.ms) * 100).toFixed(0)} %`);
  const last = minutes.at(-1).stored;
  lines.push("", `rows at the end: ${Object.entries(last).filter(([, { rows }]) => rows > 0).map(([table, { rows, bytes }]) => `${table} ${rows} (${(bytes / 1024).toFixed(0)} KiB)`).join(", ")}`);
  lines.push(`readers: ${reads} answers; windows ${JSON.stringify(windows)}`);
  lines.push(`network: ${JSON.stringify(lost)}`, `tally: ${JSON.stringify(tally, Object.keys(tally).sort())}`, `at the end: ${JSON.stringify(evidence)}`);
  return lines.join("\n");
}
