import type { FunctionReturnType } from "convex/server";
import { api } from "../../convex/_generated/api.js";

export { api };

export type ThreadSummary = FunctionReturnType<typeof api.chat.listThreads>["page"][number];

/** The demo's reader. The deployment decides for itself whose threads it shows. */
export const ACTOR = { tenantId: "demo", userId: "demo", deviceId: "web-1" };
