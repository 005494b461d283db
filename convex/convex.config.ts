import { defineComponent } from "convex/server";

const component = defineComponent("codexLocal");

export default component;
