/** The example app with the component's sources, in convex-test (a stand-in for the backend; see `tools/embedded-convex` for what it lets pass). */
import { convexTest, type TestConvex } from "convex-test";
import { defineSchema } from "convex/server";
import schema from "../../convex/schema.js";
import { api } from "../../example/convex/_generated/api.js";
import { createDeviceEntropy } from "../../js-wrapper/client/index.js";

const appModules = import.meta.glob("../../example/convex/**/*.{ts,js}");
const componentModules = import.meta.glob("../../convex/**/*.{ts,js}");

export type App = TestConvex<ReturnType<typeof appSchema>>;

function appSchema() {
  return defineSchema({});
}

/** A person's way into the app, and the credential of the bridge that they set up. */
export interface Deployment {
  reader: Pick<App, "query" | "mutation">;
  app: App;
  deviceToken: string;
}

/** A fresh deployment with somebody signed in. */
export async function startApp(): Promise<Deployment> {
  const app = convexTest({ schema: appSchema(), modules: appModules, transactionLimits: true });
  app.registerComponent("codexLocal", schema, componentModules);
  const reader = app.withIdentity({ issuer: "https://accounts.example", subject: "ann" });
  const { token } = await reader.mutation(api.chat.issueDeviceToken, { deviceId: "laptop", entropy: createDeviceEntropy() });
  return { reader, app, deviceToken: token };
}
