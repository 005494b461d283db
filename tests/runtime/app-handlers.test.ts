/** What an app's handler of errors is told. */
import { expect, it } from "vitest";
import { AppServerError } from "../../js-wrapper/app-server/index.js";
import { AppHandlers } from "../../js-wrapper/runtime/app-handlers.js";

it("is what codex lacks when that is found, and not of those who ask for it in vain; everything else each time", () => {
  const told: string[] = [];
  const handlers = new AppHandlers({ onProtocolError: ({ code, message }) => void told.push(`${code} ${message}`) });
  const lacking = (method: string) => new AppServerError("E_UNSUPPORTED_BY_APP_SERVER", method, "codex 0.90.0 does not know it");
  const [one, other, refused] = [lacking("a"), lacking("b"), new AppServerError("E_APP_SERVER_REFUSED", "c", "no")];
  for (const error of [one, other]) handlers.lacks(error);
  for (const thrown of [one, refused, one, other, refused]) handlers.failed(thrown);
  expect(told).toEqual([
    "E_UNSUPPORTED_BY_APP_SERVER `a`: codex 0.90.0 does not know it",
    "E_UNSUPPORTED_BY_APP_SERVER `b`: codex 0.90.0 does not know it",
    "E_APP_SERVER_REFUSED `c`: no",
    "E_APP_SERVER_REFUSED `c`: no",
  ]);
});
