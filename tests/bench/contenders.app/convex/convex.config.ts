// The package, as it ships, beside what the benchmark holds it against.
import { defineApp } from "convex/server";
import codexLocal from "../../../../dist/lib/component/convex.config.js";
const app = defineApp();
app.use(codexLocal);
export default app;
