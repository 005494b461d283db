export interface PageTitleParts {
  /** What the thread that is shown is called; undefined where none is. */
  title?: string | undefined;
  isWorking?: boolean;
  /** How many things wait for a person, in any thread. */
  waiting: number;
}

/** What the browser's tab is called: a reader who is elsewhere sees that something waits, and that Codex works. */
export function pageTitle({ title = "Codex", isWorking = false, waiting }: PageTitleParts): string {
  return `${waiting > 0 ? `(${waiting}) ❗ ` : ""}${isWorking ? "● " : ""}${title}`;
}
