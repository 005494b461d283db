/** An app that has the component mounted, and calls it across the border as an app does. */
import { convexTest, type TestConvex } from "convex-test";
import { componentsGeneric, defineSchema, type GenericDataModel, type GenericMutationCtx, type GenericSchema, type SchemaDefinition } from "convex/server";
import type { ComponentApi } from "../../convex/_generated/component.js";
import componentSchema from "../../convex/schema.js";
import { modules as componentModules } from "./build.js";

export type AppCtx = GenericMutationCtx<GenericDataModel>;
export type App = TestConvex<typeof schema>;

const schema: SchemaDefinition<GenericSchema, boolean> = defineSchema({});

/** What `components` of the app's generated api has. */
export const codexLocal = (componentsGeneric() as unknown as { codexLocal: ComponentApi<"codexLocal"> }).codexLocal;

/** A fresh deployment of an app whose functions are these, by file. */
export function startApp(files: Record<string, object> = {}): App {
  const modules = Object.entries(files).map(([name, file]) => [`./convex/${name}.ts`, () => Promise.resolve(file)] as const);
  const app = convexTest({
    schema,
    modules: { "./convex/_generated/api.ts": () => Promise.resolve({}), ...Object.fromEntries(modules) },
    transactionLimits: true,
  });
  app.registerComponent("codexLocal", componentSchema, componentModules);
  return app;
}
