import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { defineConfig } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `frame-ancestors` works as a header only: the server of the page has to send it. */
const POLICY = [
  "default-src 'self'",
  "img-src 'self' data:",
  "connect-src http://127.0.0.1:* ws://127.0.0.1:* http://localhost:* ws://localhost:* https://*.convex.cloud wss://*.convex.cloud",
  "base-uri 'none'",
  "form-action 'none'",
  "object-src 'none'",
].join("; ");

/** The page shows what a repository may have written. Development needs inline scripts. */
const contentSecurityPolicy: Plugin = {
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    {
      tag: "meta",
      attrs: { "http-equiv": "Content-Security-Policy", content: POLICY },
      injectTo: "head-prepend",
    },
  ],
};

export default defineConfig(({ command }) => ({
  root: here("."),
  base: "./",
  plugins: [react(), contentSecurityPolicy],
  // It comes from this machine: one file of half a megabyte is no burden.
  build: { outDir: here("dist"), emptyOutDir: true, chunkSizeWarningLimit: 700 },
  resolve: {
    // While developing, the hooks' source, so that a change shows at once; a build takes what ships.
    alias: {
      ...(command === "serve" && {
        "convex-codex-local/react": here("../../js-wrapper/react/index.ts"),
      }),
      // By its list of names: in browsers it would ask `innerHTML` what `&amp;` is.
      "decode-named-character-reference": here(
        "../../node_modules/decode-named-character-reference/index.js",
      ),
    },
  },
}));
