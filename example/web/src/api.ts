import type { CodexThreadRow } from "convex-codex-local/react";
import { api } from "../../convex/_generated/api.js";

export { api };

export type ThreadSummary = CodexThreadRow;
