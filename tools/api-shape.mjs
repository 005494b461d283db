// What the component's modules say of their functions, as `docs/api.json` has it.

/** The functions of evaluated modules, by name: kind, who may call them, arguments and answer as Convex writes validators. */
export function describeModules(modules) {
  const functions = Object.entries(modules).flatMap(([module, exported]) =>
    Object.entries(exported).flatMap(([name, value]) => (value?.isQuery || value?.isMutation || value?.isAction ? [describeFunction(`${module}.${name}`, value)] : [])),
  );
  return functions.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function describeFunction(name, value) {
  const kind = value.isQuery ? "query" : value.isMutation ? "mutation" : "action";
  const visibility = value.isPublic ? "public" : "internal";
  return { name, kind, visibility, args: JSON.parse(value.exportArgs()), returns: JSON.parse(value.exportReturns()) };
}

/** One function a line, so that a change of one is a change of its line. */
export function apiText(functions) {
  return `[\n${functions.map((entry) => `  ${JSON.stringify(entry)}`).join(",\n")}\n]\n`;
}

/** Whether a file of the component's folder holds functions, by its path there without the extension. */
export function isFunctionModule(path) {
  return !path.startsWith("_generated/") && !path.startsWith("model/") && !["schema", "convex.config"].includes(path);
}
