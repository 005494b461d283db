// What the backend does on a push: it evaluates component definitions, schemas and every module of functions.
import { ModuleSet, loadModule } from "./isolate.mjs";

const APP = "";
const NOT_FUNCTIONS = new Set(["auth.config.js", "schema.js", "convex.config.js"]);

/** Turns a captured `start_push` request into module sets, schemas and the answer that the CLI expects. */
export async function analyzePush(request, options = {}) {
  const definitions = [
    ...request.componentDefinitions.map((component) => ({
      path: component.definitionPath,
      definition: component.definition,
      dependencies: component.dependencies,
      schema: component.schema,
      modules: component.functions,
      version: component.udfServerVersion,
    })),
    {
      path: APP,
      definition: request.appDefinition.definition,
      dependencies: request.appDefinition.dependencies,
      schema: request.appDefinition.schema,
      modules: request.appDefinition.changedModules,
      version: request.appDefinition.udfServerVersion,
    },
  ];
  const evaluated = await evaluateInOrder(definitions);
  const components = new Map();
  const analysis = {};
  for (const one of definitions) {
    const { component, analyzed } = await analyzeComponent(one, evaluated.get(one.path), options);
    components.set(one.path, component);
    analysis[one.path] = analyzed;
  }
  const app = mountTree(analysis, APP, "");
  const noSchemaChange = { allocatedComponentIds: {}, schemaIds: {}, indexDiffs: {} };
  return {
    components,
    app,
    response: {
      environmentVariables: {},
      externalDepsId: null,
      componentDefinitionPackages: Object.fromEntries(definitions.map(({ path }) => [path, { sha256: "embedded" }])),
      appAuth: [],
      analysis,
      app,
      schemaChange: noSchemaChange,
    },
  };
}

/** Definitions are evaluated after those that they depend on. */
async function evaluateInOrder(definitions) {
  const evaluated = new Map();
  const pending = [...definitions];
  while (pending.length > 0) {
    const next = pending.findIndex((one) => one.dependencies.every((path) => evaluated.has(path)));
    if (next < 0) throw new Error("component definitions form a cycle");
    const [one] = pending.splice(next, 1);
    evaluated.set(one.path, await evaluateDefinition(one, evaluated));
  }
  return evaluated;
}

async function evaluateDefinition(one, evaluated) {
  if (!one.definition) {
    return { definitionType: { type: "app" }, childComponents: [], httpMounts: {}, exports: { type: "branch", branch: [] } };
  }
  const modules = [{ ...one.definition, path: "convex.config.js" }];
  for (const [path, { definitionType }] of evaluated) {
    if (definitionType?.type !== "childComponent") continue;
    const stub = { componentDefinitionPath: path, defaultName: definitionType.name };
    modules.push({
      path: `_componentDeps/${Buffer.from(path).toString("base64url")}`,
      source: `export default ${JSON.stringify(stub)};`,
    });
  }
  const { namespace } = await loadModule(new ModuleSet(modules, one.path), "convex.config.js", { kind: "import" });
  const definition = JSON.parse(JSON.stringify(namespace.default.export()));
  // The backend has no such check: a component deployed as an app would open its public functions to everyone.
  const [want, maker] = one.path === APP ? ["app", "defineApp"] : ["childComponent", "defineComponent"];
  if (definition.definitionType.type !== want) {
    throw new Error(`${one.path || "the app's"} convex.config must use ${maker}, found ${definition.definitionType.type}`);
  }
  return definition;
}

async function analyzeComponent(one, evaluatedDefinition, options) {
  const set = new ModuleSet(one.modules.filter((module) => module.environment === "isolate"), one.path);
  const functions = {};
  for (const path of set.entryPaths) {
    if (!NOT_FUNCTIONS.has(path)) functions[path] = await analyzeModule(set, path, options);
  }
  let schema = null;
  let schemaObject;
  if (one.schema) {
    const { namespace } = await loadModule(new ModuleSet([one.schema], one.path), one.schema.path, { ...options, kind: "import" });
    schemaObject = namespace.default;
    schema = JSON.parse(schemaObject.export());
  }
  const definition = { path: one.path, ...evaluatedDefinition };
  if (one.path !== APP) definition.exports = exportsOf(functions);
  const described = Object.entries(functions).map(([path, module]) => [
    path,
    { functions: module.functions, httpRoutes: null, cronSpecs: null, sourceMapped: null },
  ]);
  return {
    component: { set, schemaObject, functions, definition, rawModules: one.modules },
    analyzed: {
      definition,
      schema,
      functions: Object.fromEntries(described),
      udfConfig: {
        serverVersion: one.version,
        importPhaseRngSeed: { $bytes: "" },
        importPhaseUnixTimestamp: { $integer: "AAAAAAAAAAA=" },
      },
    },
  };
}

async function analyzeModule(set, path, options) {
  const module = await loadModule(set, path, { ...options, kind: "import" });
  const functions = [];
  for (const [name, value] of Object.entries(module.namespace)) {
    if (value === null || (typeof value !== "function" && typeof value !== "object")) continue;
    const udfType = udfTypeOf(value);
    if (!udfType || typeof value.exportArgs !== "function") continue;
    functions.push({
      name,
      pos: null,
      udfType,
      visibility: visibilityOf(value),
      args: value.exportArgs(),
      returns: value.exportReturns(),
    });
  }
  return { functions, importTimings: module.timings, bytes: module.moduleBytes, moduleCount: module.moduleCount };
}

function udfTypeOf(value) {
  if (value.isQuery) return "Query";
  if (value.isMutation) return "Mutation";
  return value.isAction ? "Action" : null;
}

function visibilityOf(value) {
  if (value.isPublic) return { kind: "public" };
  return value.isInternal ? { kind: "internal" } : null;
}

/** The public functions of a component as the tree of names that its parent reaches them by. */
function exportsOf(functions) {
  const tree = {};
  for (const [path, module] of Object.entries(functions)) {
    for (const { name, visibility } of module.functions) {
      if (visibility?.kind !== "public") continue;
      let branch = tree;
      for (const part of path.replace(/\.js$/, "").split("/")) branch = branch[part] ??= {};
      branch[name] = `_reference/function/${path}:${name}`;
    }
  }
  const serialize = (branch) => ({
    type: "branch",
    branch: Object.entries(branch).map(([name, node]) => [
      name,
      typeof node === "string" ? { type: "leaf", leaf: node } : serialize(node),
    ]),
  });
  return serialize(tree);
}

function mountTree(analysis, definitionPath, componentPath) {
  const children = analysis[definitionPath].definition.childComponents.map(({ name, path }) => [
    name,
    mountTree(analysis, path, componentPath ? `${componentPath}/${name}` : name),
  ]);
  return {
    definitionPath,
    componentPath,
    args: {},
    exports: {},
    httpRoutes: { httpModuleRoutes: null, mounts: [] },
    childComponents: Object.fromEntries(children),
  };
}
