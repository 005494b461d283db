const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const ID_SHOWN_WHOLE = 14;
const ID_TAIL = 8;

/** The end of an id: ids that are made in time order begin alike. */
export function shortId(id: string): string {
  return id.length <= ID_SHOWN_WHOLE ? id : `…${id.slice(-ID_TAIL)}`;
}

/** The time of a day; the day, too, where it was long ago. */
export function formatTime(at: number): string {
  const time = new Date(at);
  const isToday = time.toDateString() === new Date().toDateString();
  const clock = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const day = time.toLocaleDateString([], { day: "numeric", month: "short" });
  return isToday ? clock : `${day}, ${clock}`;
}

export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  return `${Math.floor(ms / MINUTE_MS)} min ${Math.floor((ms % MINUTE_MS) / SECOND_MS)} s`;
}

const KILO = 1_000;
const MEGA = KILO * KILO;

/** How long a text is, in characters, as far as a reader wants to know. */
export function formatUnits(units: number): string {
  if (units < KILO) return `${units} characters`;
  if (units < MEGA) return `${Math.round(units / KILO)} thousand characters`;
  return `${(units / MEGA).toFixed(1)} million characters`;
}
