export interface ApiFunction {
  name: string;
  kind: "query" | "mutation" | "action";
  visibility: "public" | "internal";
  args: unknown;
  returns: unknown;
}
export function describeModules(modules: Record<string, object>): ApiFunction[];
export function apiText(functions: readonly ApiFunction[]): string;
export function isFunctionModule(path: string): boolean;
