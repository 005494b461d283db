import type { TestConvex } from "convex-test";
import type { GenericSchema, SchemaDefinition } from "convex/server";

export type Database = object;
export function componentsOf(t: Pick<TestConvex<SchemaDefinition<GenericSchema, boolean>>, "finishInProgressScheduledFunctions">): Record<string, { db: Database }>;
export function keepInOrder(db: Database): void;
