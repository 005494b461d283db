/** The binary that `CODEX_BIN` or PATH names. */
export function findCodex(env?: NodeJS.ProcessEnv): string | undefined;
/** Writes the config of a CODEX_HOME whose model is the one at `baseUrl`. */
export function writeConfig(home: string, baseUrl: string, options?: { config?: object; provider?: object; mcpServers?: object }): void;
export function withoutConvex(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
export function mockEnvironment(home: string): Record<string, string>;
