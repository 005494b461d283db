// Those who send turns and interrupts, and those who decide: sometimes two at once, often over a call that is lost.
import { setTimeout as sleep } from "node:timers/promises";
import { shownSha256Of } from "../../dist/js-wrapper/mapping/index.js";
import { MINUTE_MS } from "./report.mjs";
import { pick } from "./world.mjs";

/** How a command ends for good; `unknown` may be found out later. */
const FINAL = ["accepted", "refused", "expired", "cancelled"];
const FOLLOW_MS = 9_000;
const DECIDE_MS = 14_000;
/** At the end nobody takes their time. */
const DECIDE_LAST_MS = 5_000;

export class People {
  /** By how much fewer turns are begun than were asked for. */
  slowness = 1;
  #world;
  #send;
  #decide;
  #commands = 0;
  #keys = 0;

  constructor(world) {
    this.#world = world;
    this.#send = world.chanceOf("send");
    this.#decide = world.chanceOf("decide");
  }

  /** Commands that have not ended. */
  get open() {
    return this.#world.users.flatMap(({ commands }) => commands).filter(({ state }) => !FINAL.includes(state) && state !== "unknown");
  }

  async sendAll(turnsAMinute) {
    const world = this.#world;
    const chance = this.#send;
    for (;;) {
      await sleep((MINUTE_MS / turnsAMinute) * this.slowness * (0.5 + chance()));
      if (!world.isGoing) return;
      const thread = pick(chance, world.threads);
      const what = chance();
      if (what < 0.8) void this.#sendTurn(thread);
      // Two people at once.
      else if (what < 0.88) void Promise.all([this.#sendTurn(thread), this.#sendTurn(thread)]);
      else void this.#sendAndInterrupt(thread);
    }
  }

  async #sendAndInterrupt(thread) {
    const command = await this.#sendTurn(thread, " hold");
    for (let tries = 0; tries < 6 && command !== undefined && this.#world.isGoing; tries++) {
      await sleep(5_000);
      if (command.state === "accepted" && command.turnId !== undefined) return void (await this.#sendCommand(thread, "interrupt", { turnId: command.turnId }));
    }
  }

  #sendTurn(thread, more = "") {
    const key = `k${++this.#keys}`;
    const text = `${key}${this.#send() < 0.35 ? " ask" : ""}${this.#send() < 0.15 ? " hold" : ""}${more}`;
    return this.#sendCommand(thread, "turn", { input: [{ type: "text", text }], clientTurnId: `wish-${key}` }, { key });
  }

  async #sendCommand(thread, kind, payload, about = {}) {
    const { user, threadId } = thread;
    const command = { ...thread, ...about, commandId: `c${++this.#commands}`, kind, state: "queued" };
    const { code } = await this.#world.ask(pick(this.#send, user.clients), "mutation", "sendCommand", { threadId, commandId: command.commandId, kind, payloadJson: JSON.stringify(payload) });
    if (code !== undefined) return void this.#world.count(`refused at once: ${kind} ${code}`);
    this.#world.count(`sent: ${kind}`);
    user.commands.push(command);
    void this.#follow(command);
    return command;
  }

  async #follow(command) {
    const { user, commandId } = command;
    while (!this.#world.isOver) {
      await sleep(FOLLOW_MS);
      const { value } = await this.#world.ask(user.clients[0], "query", "getCommand", { commandId });
      if (!value) return this.#world.violated(`the command ${commandId} of ${user.name} is not there`);
      Object.assign(command, { state: value.state, code: value.code, turnId: value.turnId ?? command.turnId });
      if (FINAL.includes(value.state) || value.state === "unknown") return;
    }
  }

  async decideAll(user) {
    const world = this.#world;
    const deciding = new Set();
    while (!world.isOver) {
      await sleep(world.isDraining ? DECIDE_LAST_MS : DECIDE_MS);
      const { value } = await world.ask(user.clients[0], "query", "listPendingApprovalsForHooks", { paginationOpts: { cursor: null, numItems: 20 } });
      for (const approval of value?.page ?? []) {
        const id = `${approval.threadId} ${approval.itemId}`;
        // Some people take their time.
        if (deciding.has(id) || (world.isGoing && this.#decide() < 0.3)) continue;
        deciding.add(id);
        void this.#decideOne(user, approval).finally(() => deciding.delete(id));
      }
    }
  }

  async #decideOne(user, { threadId, turnId, itemId, payloadJson }) {
    const world = this.#world;
    const shownSha256 = await shownSha256Of(payloadJson);
    const wishes = this.#decide() < 0.4 ? ["accepted", "declined"] : [this.#decide() < 0.7 ? "accepted" : "declined"];
    const codes = await Promise.all(
      wishes.map(async (decision, at) => (await world.ask(user.clients[at], "mutation", "respondApprovalForHooks", { threadId, turnId, itemId, decision, shownSha256 })).code),
    );
    world.count("decisions", wishes.length);
    if (wishes.length < 2) return;
    world.count("pairs of deciders");
    if (codes.every((code) => code === undefined)) return world.violated(`both ${wishes.join(" and ")} of ${itemId} of ${user.name} were taken`);
    const seen = await Promise.all(
      user.clients.map(async (client) => {
        const { value } = await world.ask(client, "query", "listDecidedRequestsForHooks", { threadId, paginationOpts: { cursor: null, numItems: 10 } });
        return value?.page.find((one) => one.itemId === itemId)?.decisionJson;
      }),
    );
    if (seen[0] !== seen[1]) world.violated(`two deciders of ${itemId} of ${user.name} see ${seen.join(" and ")}`);
    user.pairs.push({ threadId, itemId, seen: seen[0] });
  }
}
