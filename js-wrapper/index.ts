/**
 * What runs in Convex and in a browser: the functions of `./client` and `./host/convex`, and the merging that hooks do. Nothing of
 * Node, no React and no wasm is reached from here.
 */
export * from "./client/index.js";
export * from "./host/convex.js";
export * from "./mapping/index.js";
