/** The demo, as a visitor starts it. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE_ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/#\S*thread=\S+/;

export interface Demo {
  /** The page's address, as it is printed. */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts the demo; answers when it has printed the page's address. */
export async function startDemo(...args: string[]): Promise<Demo> {
  const child = spawn(process.execPath, ["tools/demo.mjs", ...args], { cwd: ROOT, env: { ...process.env, CONVEX_URL: "" }, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const address = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      printed += chunk.toString();
      const found = PAGE_ADDRESS.exec(printed);
      if (found) resolve(found[0]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("close", (code) => {
      reject(new Error(`the demo ended with ${String(code)}:\n${printed}`));
    });
  });
  return {
    address,
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
}
