/** What an app's handler of errors is told. */
import { expect, it } from "vitest";
import { AppServerError } from "../../js-wrapper/app-server/index.js";
import { AppHandlers } from "../../js-wrapper/runtime/app-handlers.js";

it("is what codex lacks once, however many ask for it, and everything else each time", () => {
  const told: string[] = [];
  const handlers = new AppHandlers({ onProtocolError: ({ code, message }) => void told.push(`${code} ${message}`) });
  const lacking = (method: string) => new AppServerError("E_UNSUPPORTED_BY_APP_SERVER", method, "codex 0.90.0 does not know it");
  const [one, other, refused] = [lacking("a"), lacking("b"), new AppServerError("E_APP_SERVER_REFUSED", "c", "no")];
  for (const thrown of [one, refused, one, other, refused, one]) handlers.failed(thrown);
  expect(told).toEqual([
    "E_UNSUPPORTED_BY_APP_SERVER `a`: codex 0.90.0 does not know it",
    "E_APP_SERVER_REFUSED `c`: no",
    "E_UNSUPPORTED_BY_APP_SERVER `b`: codex 0.90.0 does not know it",
    "E_APP_SERVER_REFUSED `c`: no",
  ]);
});
