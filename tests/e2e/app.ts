/** The example app with the component's sources, in convex-test (a stand-in for the backend; see `tools/embedded-convex` for what it lets pass). */
import { convexTest, type TestConvex } from "convex-test";
import { defineSchema } from "convex/server";
import schema from "../../convex/schema.js";

const appModules = import.meta.glob("../../example/convex/**/*.{ts,js}");
const componentModules = import.meta.glob("../../convex/**/*.{ts,js}");

export type App = TestConvex<ReturnType<typeof appSchema>>;

function appSchema() {
  return defineSchema({});
}

/** A fresh deployment. */
export function startApp(): App {
  const app = convexTest({ schema: appSchema(), modules: appModules, transactionLimits: true });
  app.registerComponent("codexLocal", schema, componentModules);
  return app;
}
