/** Whether this package runs with a Node. */

/** SOURCE: `engines` of package.json: the least minor of a major, and the major from which any will do. */
const NODE_MINOR_MIN: Readonly<Record<number, number>> = { 20: 19, 22: 13 };
const NODE_MAJOR_ANY = 24;

/** How to get one with which it does. */
export const NODE_FIX = "install Node 20.19 or a later 20, 22.13 or a later 22, or 24 and newer";

/** @param version as `20.19.0` */
export function isNodeEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major >= NODE_MAJOR_ANY || minor >= (NODE_MINOR_MIN[major] ?? Infinity);
}
