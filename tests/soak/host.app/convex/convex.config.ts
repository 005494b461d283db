import { defineApp } from "convex/server";
import codexLocal from "../../../../dist/component/convex.config.js";
const app = defineApp();
app.use(codexLocal);
export default app;
