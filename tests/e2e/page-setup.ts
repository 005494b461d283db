/** The page is built before the tests begin: two files at once would build it into the same folder. */
export { buildPage as setup } from "../../tools/demo/page.mjs";
