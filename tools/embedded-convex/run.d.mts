export const V8_FLAGS: string[];

export interface ScriptOptions {
  env?: Record<string, string>;
  args?: string[];
  nodeFlags?: string[];
}
export function runScript(appDir: string, script: string, options?: ScriptOptions): Promise<string>;

export interface ServerOptions {
  port?: number;
  allowedOrigins?: string[];
  identity?: { issuer: string; subject: string; name?: string };
  env?: Record<string, string>;
  onLog?: (line: string) => void;
}
export interface Server {
  url: string;
  port: number;
  token: string;
  pid: number;
  exited: Promise<number | null>;
  stop: () => Promise<void>;
}
export function startServer(appDir: string, options?: ServerOptions): Promise<Server>;
