import { defineApp } from "convex/server";
import codexLocal from "convex-codex-local/convex.config";

const app = defineApp();
app.use(codexLocal);

export default app;
