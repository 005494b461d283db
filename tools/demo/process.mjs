// The demo, started as a visitor does it.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE_ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/#\S*thread=\S+/;

/**
 * Starts the demo: on the embedded Convex, or on the deployment that CONVEX_URL names.
 *
 * @param {string[]} args its options
 * @returns {Promise<{address: string, stop: () => Promise<void>}>} the page's address, once it is printed
 */
export async function startDemo(...args) {
  const child = spawn(process.execPath, ["tools/demo.mjs", ...args], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((done) => child.once("close", done));
  let printed = "";
  const address = await new Promise((resolve, reject) => {
    const read = (chunk) => {
      printed += chunk;
      const found = PAGE_ADDRESS.exec(printed);
      if (found) resolve(found[0]);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    void ended.then((code) => reject(new Error(`the demo ended with ${code}:\n${printed}`)));
  });
  return {
    address,
    async stop() {
      child.kill("SIGINT");
      await ended;
    },
  };
}
