import { expect, it } from "vitest";
import { codexPendingMessages, codexSaidBack, type CodexMessageCommand, type CodexPendingInput } from "../../js-wrapper/react/index.js";
import { saidBackOf } from "../../js-wrapper/react/pending-messages.js";

type Message = CodexPendingInput<CodexMessageCommand>["messages"][number] & { createdAt: number };
const sent = { commandId: "k", kind: "turn", state: "queued", isOpen: true, text: "go", createdAt: 5, clientTurnId: "ct" } as const;
const accepted = { ...sent, state: "accepted", isOpen: false, turnId: "t" } as const;
const steer = { ...accepted, commandId: "s", kind: "steer", clientTurnId: "s", text: "rather so" } as const;
const user = (told: Partial<Message> = {}): Message => ({ turnId: "t", role: "user", text: "go", createdAt: 5, updatedAt: 5, payloadJson: "{}", ...told });
const echo = (clientId: string, told: Partial<Message> = {}) => user({ payloadJson: JSON.stringify({ type: "userMessage", clientId }), ...told });
const later = user({ role: "assistant", createdAt: 9, updatedAt: 9 });

it.each<[string, Partial<CodexPendingInput<CodexMessageCommand>>, string[]]>([
  ["one that waits", { commands: [sent] }, ["go"]],
  ["several, oldest first", { commands: [{ ...sent, commandId: "k2", clientTurnId: "ct2", text: "then" }, sent] }, ["go", "then"]],
  ["one that the machine has", { commands: [{ ...sent, state: "delivered" }] }, ["go"]],
  ["one of a turn that is not begun", { commands: [accepted], turns: [{ turnId: "t", status: "queued" }] }, ["go"]],
  ["one of a turn that has said nothing yet", { commands: [accepted], runningTurnId: "t" }, ["go"]],
  ["one that the turn has taken and not read", { commands: [steer], runningTurnId: "t", messages: [user()] }, ["rather so"]],
  ["one of which only an equal text is there", { commands: [sent], messages: [user()] }, ["go"]],
  ["one whose machine's clock is ahead", { commands: [steer], runningTurnId: "t", messages: [user({ createdAt: 30_000 })] }, ["rather so"]],
  ["one of a thread that is all loaded", { commands: [steer], runningTurnId: "t", messages: [later], isWhole: true }, ["rather so"]],
  ["one of whose turn all is loaded", { commands: [steer], runningTurnId: "t", messages: [user({ turnId: "t0", updatedAt: 9 }), later] }, ["rather so"]],
  ["none whose machine's clock is behind", { commands: [accepted], runningTurnId: "t", messages: [user({ role: "assistant", createdAt: 1, updatedAt: 9 })] }, []],
  ["none that is no message", { commands: [{ ...sent, kind: "interrupt" }] }, []],
  ["none that came to nothing", { commands: [{ ...sent, state: "expired", isOpen: false }] }, []],
  ["none of a turn that is over", { commands: [accepted, steer], turns: [{ turnId: "t", status: "completed" }], runningTurnId: "t2" }, []],
  ["none that codex said back", { commands: [sent], messages: [echo("ct")] }, []],
  ["none that codex said back by the command's id", { commands: [steer], runningTurnId: "t", messages: [echo("s")] }, []],
  ["none that codex said back at a length that a list does not hold", { commands: [sent], messages: [user({ payloadTruncated: true })] }, []],
  ["none whose echo may be among what is not loaded", { commands: [accepted, steer], runningTurnId: "t", messages: [later] }, []],
])("tells of %s", (_what, input, texts) => {
  expect(codexPendingMessages({ messages: [], commands: [], ...input }).map(({ text }) => text)).toEqual(texts);
});

it("reads what an app-server's notification carries, and no message of anybody else", () => {
  const carried = (role: Message["role"]) => [user({ role, payloadJson: JSON.stringify({ method: "item/completed", params: { item: { clientId: "ct" } } }) })];
  expect([codexSaidBack(carried("user"))(sent), codexSaidBack(carried("assistant"))(sent)]).toEqual([true, false]);
});

it("reads each message once", () => {
  let reads = 0;
  const message = { ...echo("other"), get payloadJson() { reads += 1; return "{}"; } };
  for (let i = 0; i < 3; i += 1) codexPendingMessages({ messages: [message], commands: [sent] });
  expect(reads).toBe(1);
});

it("looks at the messages again only where one came, or a user's is another", () => {
  let looks = 0;
  const watched = (message: Message) => new Proxy(message, { get: (target, name) => ((looks += 1), Reflect.get(target, name) as unknown) });
  const old = Array.from({ length: 1_000 }, (_, n) => watched(echo(`old${String(n)}`)));
  let said = saidBackOf([...old, later], undefined);
  expect(said.isSaid()(sent)).toBe(false);
  looks = 0;
  for (let i = 0; i < 10; i += 1) {
    said = saidBackOf([...old, { ...later, text: String(i) }], said);
    expect(said.isSaid()(sent)).toBe(false);
  }
  expect(looks).toBe(0);
  expect(saidBackOf([...old, echo("ct")], said).isSaid()(sent)).toBe(true);
  expect(saidBackOf([...old, later, echo("ct")], said).isSaid()(sent)).toBe(true);
});
