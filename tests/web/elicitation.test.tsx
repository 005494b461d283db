// What an MCP server asks: a form is made of its schema, what is wrong is said in words, and the answer is what codex takes.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ElicitationCard } from "../../example/web/src/requests/elicitation-card.js";
import { contentOf, readFields, whatIsWrong, type Field } from "../../example/web/src/requests/elicitation.js";
import { readCodexServerRequest, type CodexServerRequestView } from "../../js-wrapper/react/index.js";

const schema = (properties: object, required: string[] = []) => ({ type: "object", properties, required });
const fieldOf = (property: object, isRequired = false): Field => readFields(schema({ it: property }, isRequired ? ["it"] : []))![0]!;

describe("the schema of an elicitation", () => {
  it("is read in its order, with titles, what is required, and what is filled in at first", () => {
    const fields = readFields(
      schema(
        {
          name: { type: "string", title: "Your name", description: "as on the card", default: "Ann", minLength: 2, maxLength: 9 },
          age: { type: "integer", minimum: 0, maximum: 150, default: 0 },
          share: { type: "number" },
          agrees: { type: "boolean", default: true },
          colour: { type: "string", enum: ["r", "g"], enumNames: ["Red"], default: "g" },
          size: { type: "string", oneOf: [{ const: "s", title: "Small" }, { const: "l", title: "Large" }] },
          days: { type: "array", minItems: 1, maxItems: 2, items: { type: "string", enum: ["mo", "tu"] }, default: ["tu", "x"] },
          places: { type: "array", items: { anyOf: [{ const: "b", title: "Berlin" }] } },
        },
        ["name"],
      ),
    );
    const given = (name: string, more: object) => expect.objectContaining({ name, label: name, description: undefined, isRequired: false, ...more }) as Field;
    expect(fields).toEqual([
      { name: "name", label: "Your name", description: "as on the card", isRequired: true, type: "text", format: undefined, min: 2, max: 9, initial: "Ann" },
      given("age", { type: "integer", min: 0, max: 150, initial: "0" }),
      given("share", { type: "number", initial: "" }),
      given("agrees", { type: "boolean", initial: true }),
      given("colour", { type: "choice", options: [{ value: "r", label: "Red" }, { value: "g", label: "g" }], initial: "g" }),
      given("size", { type: "choice", options: [{ value: "s", label: "Small" }, { value: "l", label: "Large" }], initial: undefined }),
      given("days", { type: "choices", min: 1, max: 2, initial: ["tu"] }),
      given("places", { type: "choices", options: [{ value: "b", label: "Berlin" }], initial: [] }),
    ]);
    expect(readFields(schema({}))).toEqual([]);
  });

  it.each([
    ["none", undefined],
    ["no object", { type: "string" }],
    ["nested", schema({ it: { type: "object", properties: {} } })],
    ["a choice of nothing that can be read", schema({ it: { type: "string", enum: [1] } })],
    ["a list of anything", schema({ it: { type: "array", items: { type: "string" } } })],
    ["a requirement that is not there", schema({}, ["it"])],
    ["a requirement of everybody's", schema({}, ["toString"])],
  ])("%s: there is no form", (_, given) => {
    expect(readFields(given)).toBeUndefined();
  });

  it.each<[object, string, string | undefined]>([
    [{ type: "string", minLength: 2 }, "😀", "It takes at least 2 characters."],
    [{ type: "string", maxLength: 1 }, "😀", undefined],
    [{ type: "string", maxLength: 1 }, "ab", "It takes 1 character at most: these are 2."],
    [{ type: "string", format: "email" }, "ann@example.com", undefined],
    [{ type: "string", format: "email" }, "ann", "This is no e-mail address."],
    [{ type: "string", format: "uri" }, "https://example.com", undefined],
    [{ type: "string", format: "uri" }, "example", "This is no address: it begins as https:// does."],
    [{ type: "string", format: "date" }, "2028-02-29", undefined],
    [{ type: "string", format: "date" }, "2026-02-29", "This is no date: it is written as 2026-11-27 is."],
    [{ type: "string", format: "date-time" }, "2026-11-27T18:15:00+01:00", undefined],
    [{ type: "string", format: "date-time" }, "2026-11-27T25:15:00Z", "This is no date with a time and its zone: it is written as 2026-11-27T18:15:00Z is."],
    [{ type: "string", format: "of a later day" }, "anything", undefined],
    [{ type: "number", minimum: 1.5 }, "1.4", "It is 1.5 at least."],
    [{ type: "number", maximum: 2 }, "1e1", "It is 2 at most."],
    [{ type: "number" }, " .5 ", undefined],
    [{ type: "number" }, "0x10", "This is no number."],
    [{ type: "number" }, "1e999", "This is no number."],
    [{ type: "integer" }, "1.5", "This is no whole number."],
    [{ type: "integer" }, "9007199254740993", "This is no whole number."],
    [{ type: "integer", minimum: 1 }, "", undefined],
  ])("%j, filled in with %j: %s", (property, value, words) => {
    expect(whatIsWrong(fieldOf(property), value)).toBe(words);
  });

  it("what is required is missed, and nothing else", () => {
    const days = { type: "array", minItems: 2, maxItems: 2, items: { enum: ["mo", "tu", "we"] } };
    expect(whatIsWrong(fieldOf({ type: "string" }, true), " ")).toBe("This is asked for.");
    expect(whatIsWrong(fieldOf({ type: "string", enum: ["a"] }, true), undefined)).toBe("Choose one.");
    expect(whatIsWrong(fieldOf({ type: "string", enum: ["a"] }), undefined)).toBeUndefined();
    expect(whatIsWrong(fieldOf(days, true), [])).toBe("Choose at least one.");
    expect(whatIsWrong(fieldOf(days), [])).toBeUndefined();
    expect(whatIsWrong(fieldOf(days), ["mo"])).toBe("Choose at least 2.");
    expect(whatIsWrong(fieldOf(days), ["mo", "tu", "we"])).toBe("Choose 2 at most.");
    expect(whatIsWrong(fieldOf({ type: "boolean" }, true), false)).toBeUndefined();
  });

  it("what was filled in becomes values of the schema's types; what was left empty is left out; a name is nothing but a name", () => {
    const properties = JSON.parse(
      '{"__proto__":{"type":"string"},"n":{"type":"integer"},"m":{"type":"number"},"no":{"type":"boolean"},"c":{"type":"string","enum":["a"]},"cs":{"type":"array","items":{"enum":["a"]}},"t":{"type":"string"}}',
    ) as object;
    const fields = readFields(schema(properties))!;
    const content = contentOf(fields, ["x\ud83d", " 7 ", "", false, undefined, [], " "]);
    expect(JSON.stringify(content)).toBe('{"__proto__":"x\ufffd","n":7,"no":false}');
    expect(contentOf(fields, [undefined, "", "-1.5e2", true, "a", ["a"], "t"])).toEqual({ m: -150, no: true, c: "a", cs: ["a"], t: "t" });
  });
});

describe("the card of an elicitation", () => {
  // In jsdom nothing is laid out: all of it is in view.
  beforeEach(() => {
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        readonly observe: () => void;
        constructor(tell: (entries: { isIntersecting: boolean }[]) => void) {
          this.observe = () => tell([{ isIntersecting: true }]);
        }
        disconnect = () => undefined;
      },
    );
  });
  afterEach(() => {
    cleanup();
    vi.unstubAllGlobals();
  });

  const answers = () => ({ onAccept: vi.fn(), onDecline: vi.fn(), onCancel: vi.fn() });
  function show(params: object, calls = answers(), more: Partial<CodexServerRequestView> = {}) {
    const method = "mcpServer/elicitation/request";
    const payloadJson = JSON.stringify({ method, id: 1, params: { serverName: "shop", ...params } });
    const row = { requestId: 1, method, threadId: "t", turnId: "", itemId: "", payloadJson, status: "pending", createdAt: 0, updatedAt: 0 } as const;
    const request: CodexServerRequestView = { ...row, ...readCodexServerRequest(row), isAnswering: false, ...more };
    const { container } = render(<ElicitationCard request={request} {...calls} />);
    return { calls, container };
  }

  it("says what is wrong once an answer was tried, goes there, and answers what codex takes", () => {
    const requestedSchema = schema({ colour: { type: "string" }, many: { type: "integer", title: "How many", minimum: 1 }, gift: { type: "boolean" } }, ["colour", "many"]);
    const { calls } = show({ mode: "form", message: "Which?", requestedSchema });
    expect(screen.getByRole("heading").textContent).toBe("shop asks");
    const many = screen.getByRole("textbox", { name: "How many" });
    fireEvent.change(screen.getByRole("textbox", { name: "colour" }), { target: { value: "green" } });
    expect(screen.queryByText("This is asked for.")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Send" }));
    expect(calls.onAccept).not.toHaveBeenCalled();
    expect(document.getElementById(many.getAttribute("aria-describedby")!)?.textContent).toBe("This is asked for.");
    expect(document.activeElement).toBe(many);
    fireEvent.change(many, { target: { value: "0" } });
    expect(screen.getByText("It is 1 at least.")).toBeDefined();
    fireEvent.change(many, { target: { value: "2" } });
    fireEvent.click(screen.getByRole("checkbox"));
    fireEvent.click(screen.getByRole("button", { name: "Send" }));
    expect(calls.onAccept).toHaveBeenCalledExactlyOnceWith({ colour: "green", many: 2, gift: true });
  });

  it.each([
    ["a tool's call", (deep: string) => `"mode":"form","_meta":{"codex_approval_kind":"mcp_tool_call","tool_name":"t","tool_params":${deep}},"requestedSchema":{"type":"object","properties":{}}`],
    ["what there is no form for", (deep: string) => `"mode":"new","x":${deep}`],
  ])("%s that is nested deeper than can be written is declined, and breaks nothing", (_, paramsOf) => {
    const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
    const calls = answers();
    const method = "mcpServer/elicitation/request";
    const row = { requestId: 1, method, threadId: "t", turnId: "", itemId: "", payloadJson: `{"params":{${paramsOf(deep)}}}`, status: "pending", createdAt: 0, updatedAt: 0 } as const;
    render(<ElicitationCard request={{ ...row, ...readCodexServerRequest(row), isAnswering: false }} {...calls} />);
    expect(screen.queryByRole("button", { name: /Run it|Accept|Send/ })).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Decline" }));
    expect(calls.onDecline).toHaveBeenCalledOnce();
  });

  it("has choices, one or several, in the order of the schema", () => {
    const requestedSchema = schema({ size: { type: "string", enum: ["s", "l"] }, days: { type: "array", items: { enum: ["mo", "tu"] } } }, ["size"]);
    const { calls } = show({ mode: "form", message: "", requestedSchema });
    for (const name of ["l", "tu", "mo"]) fireEvent.click(screen.getByLabelText(name));
    fireEvent.click(screen.getByRole("button", { name: "Send" }));
    expect(calls.onAccept).toHaveBeenCalledExactlyOnceWith({ size: "l", days: ["mo", "tu"] });
  });

  it("is declined and cancelled without being filled in", () => {
    const { calls } = show({ mode: "form", message: "", requestedSchema: schema({ it: { type: "string" } }, ["it"]) });
    fireEvent.click(screen.getByRole("button", { name: "Decline" }));
    fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect([calls.onAccept, calls.onDecline, calls.onCancel].map(({ mock }) => mock.calls.length)).toEqual([0, 1, 1]);
  });

  it("shows an address with its host, opened by a click alone; one that is none of the web is text", () => {
    const open = vi.spyOn(window, "open");
    const { calls, container } = show({ mode: "url", message: "Sign in", url: "https://user@xn--80ak6aa92e.example/a?b", elicitationId: "e" });
    expect(container.querySelector(".request-where code")?.textContent).toBe("xn--80ak6aa92e.example");
    const link = screen.getByRole("link");
    expect([link.getAttribute("href"), link.getAttribute("rel")]).toEqual(["https://user@xn--80ak6aa92e.example/a?b", "noopener noreferrer"]);
    fireEvent.click(screen.getByRole("button", { name: "I will go there" }));
    expect(calls.onAccept).toHaveBeenCalledExactlyOnceWith(undefined);
    expect(open).not.toHaveBeenCalled();
    cleanup();
    show({ mode: "url", message: "", url: "javascript:alert(1)", elicitationId: "e" });
    expect(screen.queryByRole("link")).toBeNull();
    expect(screen.getByText("javascript:alert(1)")).toBeDefined();
  });

  it("shows all that a tool would be given, hidden marks named", () => {
    const meta = { codex_approval_kind: "mcp_tool_call", tool_name: "ask", tool_params: { text: "a\u202eb" } };
    const { calls, container } = show({ mode: "form", message: "Allow it?", _meta: meta, requestedSchema: schema({}) });
    expect(container.querySelector(".request-command")?.textContent).toContain('ask {\n  "text": "a');
    expect(container.querySelector(".request-command .unseen")?.textContent).toContain("202E");
    fireEvent.click(screen.getByRole("button", { name: "Run it" }));
    expect(calls.onAccept).toHaveBeenCalledExactlyOnceWith({});
  });

  it.each([
    [{ mode: "openai/form", message: "m", requestedSchema: { anything: true } }],
    [{ mode: "openai/userVerification", title: "t", description: "d" }],
    [{ mode: "of a later day", message: "m" }],
  ])("%j cannot be accepted: it is seen, and declined", (params) => {
    const { calls } = show(params);
    expect(screen.getAllByRole("button").map(({ textContent }) => textContent)).toEqual(["Decline", "Cancel"]);
    fireEvent.submit(document.querySelector("form")!);
    expect(calls.onAccept).not.toHaveBeenCalled();
    expect(screen.getByText(/no form for it/)).toBeDefined();
  });

  it("takes no second answer while one is on its way", () => {
    const { calls } = show({ mode: "form", message: "", requestedSchema: schema({}) }, answers(), { answerCommandId: "k" });
    for (const button of screen.getAllByRole<HTMLButtonElement>("button")) expect(button.disabled).toBe(true);
    fireEvent.submit(document.querySelector("form")!);
    expect(calls.onAccept).not.toHaveBeenCalled();
  });
});
