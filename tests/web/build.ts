import type { CodexUIMessage } from "../../js-wrapper/mapping/index.js";

/** An answer of Codex, but for what is given. */
export function message(given: Partial<CodexUIMessage> & { item?: object }): CodexUIMessage {
  const { item, ...rest } = given;
  return {
    _id: "m",
    messageId: "m",
    turnId: "t",
    role: "assistant",
    status: "completed",
    text: "",
    orderInTurn: 0,
    createdAt: 0,
    updatedAt: 0,
    ...(item === undefined ? {} : { payloadJson: JSON.stringify(item) }),
    ...rest,
  };
}

/** How many elements there are in it. */
export function elementsIn(container: Element): number {
  return container.querySelectorAll("*").length;
}
