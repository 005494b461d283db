// Why something did not work, in a sentence: whatever was thrown, a reader never gets what the platform puts around it.
import { ConvexError } from "convex/values";
import { expect, it } from "vitest";
import { describeFailure, failureWords } from "../../example/web/src/failure.js";

const coded = (code: string) => new ConvexError({ code, message: `[${code}] nobody is signed in`, retryable: false });
/** As the client of Convex throws it. */
const thrown = (what: string, said: string) => new Error(`[CONVEX ${what}] [Request ID: 1f] Server Error\n${said}\n\n  Called by client`);
const SIGNED_OUT = "You are signed out, or your sign-in has expired.";

it.each<[string, unknown, string]>([
  ["an error with a code", coded("E_AUTH_SIGNED_OUT"), SIGNED_OUT],
  ["one whose code is in its text", thrown("Q(chat:getTurn)", "Uncaught Error: [E_AUTH_SIGNED_OUT] nobody is signed in"), SIGNED_OUT],
  ["a code by itself", "E_COMMAND_EXPIRED", "No machine took it in time."],
  ["a code of a machine", "E_THREAD_BUSY", "Another Codex has the thread."],
  ["a code of a newer version", coded("E_NEW_THING"), "It did not work (E_NEW_THING)."],
  ["a failure that has none", thrown("M(chat:sendCommand)", "Uncaught TypeError: x is not a function\n    at handler (../chat.ts:7:1)"), "The deployment failed at it."],
  ["a function that is not there", thrown("Q(chat:getTurn)", "Could not find public function for 'chat:getTurn'."), "The deployment does not have what this page asks for: its functions are older, or another app’s."],
  ["an app's own words", new ConvexError("The trial is over."), "The trial is over."],
  ["an app's own data", new ConvexError({ message: "The trial is over." }), "The trial is over."],
  ["the client's own words", new Error("Connection lost while action was in flight"), "Connection lost while action was in flight"],
  ["no error at all", undefined, "It did not work."],
  ["an empty one", new Error(""), "It did not work."],
  ["a name that every object has", "constructor", "constructor"],
])("%s", (_what, error, words) => {
  expect(failureWords(error)).toBe(words);
});

it("of a book's length is cut", () => {
  expect(failureWords(new Error("x".repeat(1_000_000))).length).toBeLessThan(1_000);
});

it("a turn that never began is told by its command's code", () => {
  expect(describeFailure("E_COMMAND_CANCELLED")).toEqual({ title: "It was taken back before Codex had it", detail: undefined });
  expect(describeFailure("E_COMMAND_NEWER")).toEqual({ title: "It did not work (E_COMMAND_NEWER)", detail: undefined });
});
