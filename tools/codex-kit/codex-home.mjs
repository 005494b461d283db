// A real codex binary, and a throw-away CODEX_HOME in which it talks to the scripted model: no account, no network.
import { accessSync, constants, existsSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, delimiter, dirname, isAbsolute, join, resolve } from 'node:path';

const TRIPLES = {
  'linux-x64': 'x86_64-unknown-linux-musl',
  'linux-arm64': 'aarch64-unknown-linux-musl',
  'darwin-x64': 'x86_64-apple-darwin',
  'darwin-arm64': 'aarch64-apple-darwin',
};
// A model whose catalogue entry offers exec_command and apply_patch directly.
const MODEL = 'gpt-5.5';

/** CODEX_BIN (a path, or a name on PATH), or the native binary of an installed @openai/codex, or `codex` of PATH; undefined where there is none. */
export function findCodex(env = process.env) {
  const named = env.CODEX_BIN;
  if (!named) return installedCodex() ?? onPath('codex', env.PATH);
  return basename(named) === named ? onPath(named, env.PATH) : [resolve(named)].find(isExecutable);
}

/** The native binary itself, so that signals reach it and not its node wrapper. */
function installedCodex() {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const require = createRequire(join(process.cwd(), 'package.json'));
    const folder = dirname(require.resolve(`@openai/codex-${platform}/package.json`));
    const bin = join(folder, 'vendor', TRIPLES[platform], 'bin', 'codex');
    return existsSync(bin) ? bin : undefined;
  } catch {
    return undefined;
  }
}

function onPath(name, path = '') {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Writes `config.toml` of a CODEX_HOME whose model is the scripted one at `baseUrl`. */
export function writeConfig(home, baseUrl, { config = {}, provider = {}, mcpServers = {} } = {}) {
  const top = {
    model: MODEL,
    model_provider: 'mock',
    approval_policy: 'never',
    sandbox_mode: 'danger-full-access',
    check_for_update_on_startup: false,
    ...config,
  };
  const mock = {
    name: 'Mock',
    base_url: baseUrl,
    wire_api: 'responses',
    env_key: 'MOCK_API_KEY',
    stream_idle_timeout_ms: 5000,
    request_max_retries: 1,
    stream_max_retries: 2,
    ...provider,
  };
  const tables = [['model_providers.mock', mock], ...Object.entries(mcpServers).map(([name, server]) => [`mcp_servers.${name}`, server])];
  const lines = [
    ...assignments(top), // before the first table, as TOML wants it
    ...tables.flatMap(([name, table]) => [`[${name}]`, ...assignments(table)]),
  ];
  writeFileSync(join(home, 'config.toml'), `${lines.join('\n')}\n`);
}

/** What an app holds of Convex is not for Codex and the commands that it runs. */
export const withoutConvex = (env) => Object.fromEntries(Object.entries(env).filter(([name]) => !/^CONVEX_/i.test(name)));

/** What a codex in such a home needs in its environment. */
export const mockEnvironment = (home) => ({ CODEX_HOME: home, MOCK_API_KEY: 'mock' });

const assignments = (table) => Object.entries(table).map(([key, value]) => `${key} = ${toml(value)}`);

/** A TOML value, for the small subset that scenarios use. */
function toml(value) {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, field]) => `${JSON.stringify(key)} = ${toml(field)}`);
  return `{ ${fields.join(', ')} }`;
}
