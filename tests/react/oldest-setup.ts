// The hooks' tests once more, with the lowest versions that the package says it works with: these, and no others.
import { version as convex } from "convex";
import { version as react } from "react";
import { version as reactDom } from "react-dom";
import { expect } from "vitest";
import oldest from "../packaging/oldest/package.json";

expect({ convex, react, "react-dom": reactDom }).toEqual({
  convex: oldest.dependencies.convex,
  react: expect.stringContaining(oldest.dependencies.react),
  "react-dom": expect.stringContaining(oldest.dependencies["react-dom"]),
});
