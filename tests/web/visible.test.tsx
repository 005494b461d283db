// What cannot be seen is named: in a command, a path, and whatever is to be approved.
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Item } from "../../example/web/src/items/item.js";
import { MARKS_MAX, spellOut, visibleParts } from "../../example/web/src/items/visible-parts.js";
import { Visible } from "../../example/web/src/items/visible.js";
import { readCommand } from "../../example/web/src/payload.js";
import { elementsIn, message } from "./build.js";

afterEach(cleanup);

describe("visible text", () => {
  it.each([
    ["\u0000", "U+0000"],
    ["\r", "U+000D"],
    ["\u001b", "U+001B"],
    ["\u007f", "U+007F"],
    ["\u0085", "U+0085"],
    ["\u00a0", "U+00A0"],
    ["\u00ad", "U+00AD"],
    ["\u034f", "U+034F"],
    ["\u061c", "U+061C"],
    ["\u115f", "U+115F"],
    ["\u180e", "U+180E"],
    ["\u200b", "U+200B"],
    ["\u200d", "U+200D"],
    ["\u202e", "U+202E"],
    ["\u2028", "U+2028"],
    ["\u2060", "U+2060"],
    ["\u2067", "U+2067"],
    ["\u2800", "U+2800"],
    ["\u3000", "U+3000"],
    ["\u3164", "U+3164"],
    ["\ufe0f", "U+FE0F"],
    ["\ufeff", "U+FEFF"],
    ["\ud800", "U+D800"],
    ["\u{e0041}", "U+E0041"],
  ])("%j is shown as %s", (unseen, shown) => {
    expect(visibleParts(`a${unseen}b`)).toMatchObject([
      { text: "a" },
      { type: "mark", text: shown },
      { text: "b" },
    ]);
    expect(spellOut(unseen)).toBe(`⟨${shown}⟩`);
  });

  it.each(["a b\n\tc", "ñ é 漢字 עברית عربي", "😀", "", "U+202E", "¬¡•—"])(
    "%j is shown as it is",
    (text) => {
      expect(visibleParts(text)).toEqual(text === "" ? [] : [{ type: "text", text }]);
      expect(spellOut(text)).toBe(text);
    },
  );

  it("names so many by themselves, and the others in the text", () => {
    const { container } = render(<Visible text={"a\u202e".repeat(100_000)} />);
    expect(container.querySelectorAll(".unseen")).toHaveLength(MARKS_MAX);
    expect(elementsIn(container)).toBe(MARKS_MAX + 1);
    expect(container.textContent).not.toContain("\u202e");
    expect(container.textContent.match(/U\+202E/g)).toHaveLength(100_000);
  });

  it("stands apart from what is around it, from left to right, and says what it names", () => {
    const { container } = render(<Visible text={"x\u202ey"} />);
    expect(container.querySelector("bdi")?.dir).toBe("ltr");
    expect(container.querySelector(".unseen")?.getAttribute("title")).toBe(
      "right-to-left override",
    );
  });
});

describe("a command", () => {
  it.each([
    ["/bin/bash -lc 'rm -rf build'", "rm -rf build", "/bin/bash -lc"],
    [`bash -lc 'echo '"'"'a'"'"''`, "echo 'a'", "bash -lc"],
    [`bash -lc 'echo '\\''a'\\'''`, "echo 'a'", "bash -lc"],
    ["git status", "git status", undefined],
    ["bash script.sh", "bash script.sh", undefined],
    // What is not quoted in one of these ways is shown as it is.
    [`/bin/zsh -c "echo 'a'"`, `/bin/zsh -c "echo 'a'"`, undefined],
    ["bash -lc 'a' ; evil 'b'", "bash -lc 'a' ; evil 'b'", undefined],
    ["bash -lc 'a' 'b'", "bash -lc 'a' 'b'", undefined],
  ])("%s", (command, line, shell) => {
    expect(readCommand(command)).toEqual({ line, shell });
  });

  it("is shown whole, with its place and what cannot be seen in it", () => {
    const { container } = render(
      <Item
        message={message({
          role: "tool",
          sourceItemType: "commandExecution",
          text: "bash -lc 'cat \u202efdp.sh\nrm x'",
          item: { cwd: "/work\u200bspace", exitCode: 3, durationMs: 1_500 },
        })}
      />,
    );
    expect(container.querySelector("code")?.textContent).toBe("cat U+202Efdp.sh\nrm x");
    expect(container.querySelector(".box-place")?.textContent).toBe(
      "in /workU+200Bspace by bash -lc",
    );
    expect(container.querySelector(".state")?.textContent).toBe("1.5 sexit 3");
  });

  it("a long one is folded, and shown to its last character on request", () => {
    const line = `echo ${"x".repeat(300_000)} END`;
    const { container } = render(
      <Item message={message({ role: "tool", sourceItemType: "commandExecution", text: line })} />,
    );
    expect(container.querySelector("code")?.textContent.length).toBeLessThanOrEqual(1_200);
    fireEvent.click(screen.getByText(/more characters/));
    expect(container.querySelector("code")?.textContent).toBe(line);
  });

  it("a path's tricks are seen", () => {
    const changes = [{ path: "src/\u202etxt.exe", kind: { type: "add" }, diff: "x\u202ey\n" }];
    const { container } = render(
      <Item message={message({ role: "tool", sourceItemType: "fileChange", item: { changes } })} />,
    );
    expect(container.querySelector(".path")?.textContent).toBe("src/U+202Etxt.exe");
    expect(container.querySelector("ins")?.textContent).toBe("x⟨U+202E⟩y\n");
  });
});
