/** A real browser. Where there is none, tests that ask for it skip, but not where `CI` is set. */
import { findChromium, startBrowser } from "../../tools/demo/browser.mjs";

export { startBrowser };

/** Whether a test that asks for it skips. */
export const WITHOUT_BROWSER = findChromium() === undefined && !process.env["CI"];
