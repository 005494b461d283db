export { api } from "../../convex/_generated/api.js";
