/** An app that has the component mounted, and calls it across the border as an app does. */
import { convexTest, type TestConvex } from "convex-test";
import { componentsGeneric, defineSchema, type GenericMutationCtx, type GenericDataModel } from "convex/server";
import type { ComponentApi } from "../../convex/_generated/component.js";
import componentSchema from "../../convex/schema.js";
import { modules as componentModules } from "./build.js";

export type AppCtx = GenericMutationCtx<GenericDataModel>;
export type App = TestConvex<ReturnType<typeof defineSchema<Record<never, never>>>>;

/** What `components` of the app's generated api has. */
export const codexLocal = (componentsGeneric() as unknown as { codexLocal: ComponentApi<"codexLocal"> }).codexLocal;

/** A fresh deployment of an app whose functions are these, by file. */
export function startApp(files: Record<string, object> = {}): App {
  const modules = Object.entries(files).map(([name, file]) => [`./convex/${name}.ts`, () => Promise.resolve(file)] as const);
  const app = convexTest({
    schema: defineSchema({}),
    modules: { "./convex/_generated/api.ts": () => Promise.resolve({}), ...Object.fromEntries(modules) },
    transactionLimits: true,
  });
  app.registerComponent("codexLocal", componentSchema, componentModules);
  return app;
}
