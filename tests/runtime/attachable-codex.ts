/** An app-server that somebody else runs, on a socket of its own: its turns go on whoever is attached, and do what the test says. */
import { createServer } from "node:http";
import path from "node:path";
import { onTestFinished } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { folder } from "../outbox/build.js";

export const THREAD = "019a3b5c-0000-7000-8000-000000000001";
const SETTINGS = { cwd: "/", approvalPolicy: "on-request", sandbox: { type: "readOnly", networkAccess: false } };

interface Turn {
  id: string;
  status: "inProgress" | "completed" | "interrupted" | "failed";
  /** The message that grows is the first. */
  items: { id: string; type: string; text: string; completedAtMs?: number }[];
  error: null;
}

interface Asked {
  id?: number | string;
  method?: string;
  params: { threadId?: string; turnId?: string };
  result?: unknown;
}

export const ASKED = "item/commandExecution/requestApproval";

/** Its one thread, and who is attached. A client hears of the thread once it has resumed it. */
export class AttachableCodex {
  /** What the bridge is given. */
  readonly attach: string;
  /** What its clients asked, and how often one came. */
  readonly asked: string[] = [];
  connections = 0;
  readonly turns: Turn[] = [];
  /** What its clients answered. */
  readonly answers: unknown[] = [];
  /** Whether it takes the turns of its clients, of which it then says nothing. */
  takesTurns = false;
  /** A client that resumes its thread is answered when this is done. */
  resumable: Promise<void> = Promise.resolve();
  /** What it waits for, by its ids: a client that resumes the thread is asked it again. SOURCE: app-server 0.169.0. */
  readonly #waiting = new Map<number, object>();
  #requests = 0;
  readonly #hearing = new Set<WebSocket>();

  readonly #server = createServer();

  private constructor(attach: string) {
    this.attach = attach;
  }

  static async serve(): Promise<AttachableCodex> {
    const file = path.join(await folder(), "app.sock");
    const codex = new AttachableCodex(`unix://${file}`);
    const server = codex.#server;
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (client) => {
      codex.connections += 1;
      client.on("message", (data: Buffer) => codex.#answer(client, JSON.parse(data.toString()) as Asked));
      client.on("close", () => codex.#hearing.delete(client));
    });
    await new Promise<void>((resolve) => server.listen(file, resolve));
    onTestFinished(() => {
      for (const client of sockets.clients) client.terminate();
      server.close();
    });
    return codex;
  }

  /** How many hear of the thread. */
  get listeners(): number {
    return this.#hearing.size;
  }

  /** Drops every connection, as a network does. */
  cut(): void {
    for (const client of this.#hearing) client.terminate();
  }

  /** Is there no more. */
  leave(): void {
    this.#server.close();
    this.cut();
  }

  tell(method: string, params: object): void {
    const line = JSON.stringify({ method, params: { threadId: THREAD, ...params } });
    for (const client of this.#hearing) client.send(line);
  }

  /** Begins a turn with a message of the agent's. */
  begin(turnId: string): void {
    const turn = this.#take(turnId);
    this.tell("turn/started", { turn: { ...turn, items: [] } });
    this.tell("item/started", { turnId, item: { ...turn.items[0]! } });
  }

  /** Takes a turn, of which it says nothing yet. */
  #take(turnId: string): Turn {
    const turn: Turn = { id: turnId, status: "inProgress", items: [{ id: `m-${turnId}`, type: "agentMessage", text: "" }], error: null };
    this.turns.unshift(turn);
    return turn;
  }

  /** Runs no turn any more, and says nothing of it. */
  forget(): void {
    this.turns[0]!.status = "interrupted";
  }

  /** Says some of the message of the turn that runs. */
  say(delta: string): void {
    const [{ id: turnId, items }] = this.turns as [Turn];
    items[0]!.text += delta;
    this.tell("item/agentMessage/delta", { turnId, itemId: items[0]!.id, delta });
  }

  /** Says something at once in the turn that runs, beside its message. */
  remark(text: string): void {
    const [{ id: turnId, items }] = this.turns as [Turn];
    const item = { id: `r${String(items.length)}-${turnId}`, type: "agentMessage", text, completedAtMs: 1 };
    items.push(item);
    this.tell("item/completed", { turnId, item });
  }

  /** Asks whether a command of the turn that runs may run. */
  ask(): void {
    const [{ id: turnId }] = this.turns as [Turn];
    const id = this.#requests++;
    this.#waiting.set(id, { method: ASKED, id, params: { threadId: THREAD, turnId, itemId: `c${String(id)}`, command: "ls", availableDecisions: ["accept", "cancel"] } });
    for (const client of this.#hearing) this.#askAgain(client, [id]);
  }

  /** Waits for it no longer: somebody has answered. */
  resolve(id: number): void {
    this.#waiting.delete(id);
    this.tell("serverRequest/resolved", { requestId: id });
  }

  #askAgain(client: WebSocket, ids: Iterable<number>): void {
    for (const id of ids) client.send(JSON.stringify(this.#waiting.get(id)));
  }

  end(status: "completed" | "interrupted" = "completed"): void {
    const [turn] = this.turns as [Turn];
    turn.status = status;
    this.tell("item/completed", { turnId: turn.id, item: turn.items[0]! });
    this.tell("turn/completed", { turn: { ...turn, items: [] } });
  }

  #answer(client: WebSocket, { id, method, params, result: answer }: Asked): void {
    if (method === undefined) {
      this.answers.push(answer);
      this.resolve(Number(id));
      return;
    }
    this.asked.push(method);
    if (id === undefined) return;
    if (method === "thread/resume") void this.resumable.then(() => this.#reply(client, id, method, params));
    else this.#reply(client, id, method, params);
  }

  #reply(client: WebSocket, id: number | string, method: string, params: Asked["params"]): void {
    const result = this.#results(client)[method]?.(params);
    const message = method === "turn/interrupt" ? "no active turn to interrupt" : "refused";
    client.send(JSON.stringify(result === undefined ? { id, error: { code: -32600, message } } : { id, result }));
    if (method === "thread/resume" && result !== undefined) this.#askAgain(client, this.#waiting.keys());
  }

  #results(client: WebSocket): Record<string, (params: Asked["params"]) => unknown> {
    const isActive = this.turns[0]?.status === "inProgress";
    const thread = { id: THREAD, parentThreadId: null, historyMode: "paginated", status: isActive ? { type: "active", activeFlags: [] } : { type: "idle" }, turns: [] };
    const isIt = ({ threadId }: Asked["params"]) => threadId === THREAD;
    const load = () => {
      this.#hearing.add(client);
      return { thread, ...SETTINGS };
    };
    return {
      initialize: () => ({ userAgent: "somebody's" }),
      "thread/start": load,
      "thread/resume": (params) => (isIt(params) ? load() : undefined),
      "thread/fork": () => ({ thread: { ...thread, id: THREAD.replace(/1$/, "2") }, ...SETTINGS }),
      "thread/read": (params) => (isIt(params) ? { thread } : undefined),
      "thread/turns/list": (params) => (isIt(params) ? { data: this.turns.map(listed), nextCursor: null } : undefined),
      "turn/start": () => (this.takesTurns ? { turn: this.#take(`u${String(this.turns.length)}`) } : undefined),
      "turn/interrupt": () => (isActive ? {} : undefined),
    };
  }
}

/** Of a turn that runs, the items that are over. SOURCE: app-server 0.169.0, `thread/turns/list`. */
function listed(turn: Turn): Turn {
  return turn.status === "inProgress" ? { ...turn, items: turn.items.filter(({ completedAtMs }) => completedAtMs !== undefined) } : turn;
}
