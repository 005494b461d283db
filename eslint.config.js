import convexPlugin from "@convex-dev/eslint-plugin";
import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const SOURCES = ["js-wrapper/**/*.{ts,tsx}", "convex/**/*.ts", "example/**/*.{ts,tsx}", "tests/**/*.{ts,tsx}", "vitest.config.ts"];
const CONVEX_FUNCTIONS = ["convex/**/*.ts", "example/convex/**/*.ts"];
const REACT = ["js-wrapper/react/**", "js-wrapper/assistant-ui/**", "example/web/**"];
const NODE_GLOBALS = Object.fromEntries(Object.getOwnPropertyNames(globalThis).map((name) => [name, "readonly"]));
/** Run in Convex or a browser as well: nothing of Node may be reached from them. */
const BROWSER_SAFE = ["js-wrapper/**/*.{ts,tsx}", "convex/**/*.ts"];
const NODE_ONLY = ["js-wrapper/bridge/**", "js-wrapper/outbox/**", "js-wrapper/runtime/**", "js-wrapper/cli/**"];

const nodeBuiltins = { group: ["node:*"], message: "This runs in Convex and in browsers too." };
const convexFolder = {
  group: ["**/convex/**", "!convex/**"],
  message: "The component lies elsewhere in dist: import it from `#component/...`.",
};

export default defineConfig(
  globalIgnores(["dist", "pkg", "target", "**/_generated", "**/dist", "tests/fixtures", "tests/**/*.app"]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: SOURCES,
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // A cursor of 0 and an empty text are values.
      "@typescript-eslint/prefer-nullish-coalescing": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true }],
      eqeqeq: "error",
      "no-console": "error",
      "no-eval": "error",
    },
  },
  { files: BROWSER_SAFE, ignores: NODE_ONLY, rules: { "no-restricted-imports": ["error", { patterns: [nodeBuiltins, convexFolder] }] } },
  { files: NODE_ONLY, rules: { "no-restricted-imports": ["error", { patterns: [convexFolder] }] } },
  {
    files: CONVEX_FUNCTIONS,
    plugins: { "@convex-dev": convexPlugin },
    rules: {
      "@convex-dev/no-old-registered-function-syntax": "error",
      "@convex-dev/require-args-validator": "error",
      "@convex-dev/explicit-table-ids": "error",
      "@convex-dev/no-filter-in-query": "error",
      "@convex-dev/no-collect-in-query": "error",
      "@convex-dev/no-top-of-hour-crons": "error",
      "@convex-dev/no-schema-import-cycle": "error",
      "@convex-dev/no-duplicate-indexes": "error",
      "@convex-dev/no-process-env": "error",
    },
  },
  {
    // The app-server's own types, as its binary prints them: `JsonValue | null`, `string | null | null`.
    files: ["js-wrapper/protocol/generated/types.ts"],
    rules: { "@typescript-eslint/no-duplicate-type-constituents": "off", "@typescript-eslint/no-redundant-type-constituents": "off" },
  },
  {
    // Without the rules that are for React's compiler: a library is not compiled by it.
    files: REACT,
    plugins: { "react-hooks": reactHooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "react-hooks/set-state-in-render": "error",
      "react-hooks/purity": "error",
    },
  },
  {
    // Tests look into answers whose shape the assertion itself proves.
    files: ["tests/**/*.{ts,tsx}"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-plus-operands": "off",
      "no-console": "off",
    },
  },
  { files: ["example/web/**", "js-wrapper/cli/**"], rules: { "no-console": "off" } },
  {
    files: ["**/*.{js,mjs}"],
    extends: [js.configs.recommended, tseslint.configs.recommended],
    languageOptions: { globals: NODE_GLOBALS },
    // Text for a terminal is cleaned of control characters.
    rules: { eqeqeq: "error", "no-control-regex": "off" },
  },
);
