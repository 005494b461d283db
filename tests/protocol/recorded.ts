/** What was said between a client and the real app-server, in both directions. */
import { readFileSync, readdirSync } from "node:fs";

const FOLDER = new URL("../fixtures/transcripts/", import.meta.url);

/** A message of a recording, parsed; which side said it, and in which recording. */
export interface Recorded {
  readonly recording: string;
  readonly dir: "in" | "out" | "proc";
  readonly msg: { method?: string; id?: string | number; params?: unknown; result?: unknown; error?: { code: number; message: string }; event?: string };
}

export const RECORDED: readonly Recorded[] = readdirSync(FOLDER)
  .sort()
  .flatMap((file) =>
    readFileSync(new URL(file, FOLDER), "utf8")
      .trim()
      .split("\n")
      .map((line) => ({ recording: file.replace(/\.jsonl$/, ""), ...(JSON.parse(line) as Omit<Recorded, "recording">) })),
  );
