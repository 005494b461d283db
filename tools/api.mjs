// Writes docs/api.json: every function of the built component, with its arguments and its answer.
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { apiText, describeModules, isFunctionModule } from "./api-shape.mjs";
import { ROOT } from "./cargo-tools.mjs";
import { BUILDS } from "./freshness.mjs";

const folder = path.join(ROOT, BUILDS.dist.output, "component");
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".js"))
  .map((file) => file.slice(0, -".js".length))
  .filter(isFunctionModule);
const modules = {};
for (const name of names) modules[name] = await import(pathToFileURL(path.join(folder, `${name}.js`)).href);
const functions = describeModules(modules);
writeFileSync(path.join(ROOT, "docs/api.json"), apiText(functions));
console.log(`docs/api.json: ${functions.length} functions`);
