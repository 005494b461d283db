/** What clients see of this machine, and what they may ask of it from afar. */
import { createHash } from "node:crypto";
import type { TurnPage } from "../app-server/turn-pages.js";
import { withoutRequestId } from "../coded-error.js";
import { type CodexSettings, faultOfPolicy, type MachineSettings } from "../core/bridge.js";
import type { Backlog, Outbox, OutboxBatch } from "../outbox/index.js";
import type { NormalizedEvent } from "../protocol/index.js";
import type { Machine, RequestName } from "./claimed-command.js";
import { type CommandedCodex, createCommandActions } from "./codex-commands.js";
import type { CommandJournal, DeliveredCommand, RefusedCommand } from "./command-delivery.js";
import { createEchoFinder, type EchoPage } from "./echo.js";
import { isRefusedByCodex, isTaken } from "./errors.js";
import { Heartbeat, type Present } from "./heartbeat.js";
import { Mailbox } from "./mailbox.js";
import type { CodexPersistence } from "./persistence.js";
import { PolicyFile, type PolicyOptions } from "./policy-file.js";
import { AllowedFolders, realPathOf, settingsNow } from "./real-paths.js";

/** What of a runtime's persistence lets it be steered from afar. */
export type RemotePersistence = Pick<CodexPersistence, "leaseCommands" | "reportCommand" | "followCommands" | "beat">;

/** What a {@link RemoteControl} is made of. Threads are named by the app-server's ids. */
interface RemoteControlOptions {
  readonly persistence: RemotePersistence;
  readonly codex: CommandedCodex;
  readonly outbox: Pick<Outbox, "runtimeId" | "generation" | "commands" | "backlog">;
  readonly policy: PolicyOptions;
  /** What the machine's owner started codex with: no command sets more. Undefined until that is known. */
  readonly started: () => CodexSettings | undefined;
  readonly present: () => Pick<Present, "phase" | "login">;
  /** What failed and is tried again, or was given up. */
  readonly onError: (thrown: unknown) => void;
  /** A command that this machine refused. */
  readonly onRefused?: ((refused: RefusedCommand) => void) | undefined;
  /** Another session has a thread. @param id the app-server's */
  readonly onLost: (id: string, thrown: unknown) => void;
}

/** Joins a process of codex to who steers it: its threads' commands are followed, and what it does is told. */
export class RemoteControl {
  readonly #options: RemoteControlOptions;
  readonly #mailbox: Mailbox;
  readonly #heartbeat: Heartbeat;
  readonly #policy: PolicyFile;
  readonly #allowed = new AllowedFolders();
  /** What the last beat failed with: it is told once. */
  #beatFailed: string | undefined;

  constructor(options: RemoteControlOptions) {
    const { persistence, codex, outbox, onError, onRefused } = options;
    const { runtimeId, generation } = outbox;
    this.#options = options;
    this.#policy = new PolicyFile(options.policy, onError);
    this.#mailbox = new Mailbox({
      ...{ runtimeId, generation, persistence, onError, onRefused },
      journal: journalIn(outbox.commands),
      turns: {
        running: (threadId) => codex.threads.running(codex.threads.idOf(threadId) ?? ""),
        taken: (threadId, turnId) => codex.threads.taken(codex.threads.idOf(threadId) ?? "", turnId),
      },
      machine: this.#machine(),
      actions: createCommandActions(codex),
      ready: (threadId) => codex.ready(threadId),
      findEcho: createEchoFinder((threadId, page) => this.#listTurns(threadId, page)),
      tellTurn: () => this.#heartbeat.tellNow(),
      onLost: (threadId, thrown) => {
        const id = codex.threads.idOf(threadId);
        // One that was deleted is nobody's.
        if (id !== undefined && isTaken(thrown)) options.onLost(id, thrown);
      },
    });
    this.#heartbeat = new Heartbeat({
      ...{ runtimeId, generation, persistence },
      tell: () => ({ ...options.present(), threads: this.#threads() }),
      isAtWork: (threadId) => this.#mailbox.isAtWork(threadId),
      letsLapse: (threadId) => this.#mailbox.mayLapse(threadId),
      onAnswer: ({ commandsWaiting }) => {
        this.#beatFailed = undefined;
        if (commandsWaiting > 0) this.#mailbox.wake();
      },
      onError: (thrown) => {
        const failed = withoutRequestId(String(thrown));
        if (failed !== this.#beatFailed) onError(thrown);
        this.#beatFailed = failed;
      },
    });
  }

  /** Tells that this machine is there, from now on; and its owner at once, that their policy is not. */
  start(): void {
    this.#policy.read();
    this.#heartbeat.start();
  }

  /** A thread is loaded, and known in Convex: its commands are followed. */
  follow(id: string): void {
    const { threads } = this.#options.codex;
    this.#checkPolicy();
    const threadId = threads.inConvex(id);
    if (threadId === undefined || !threads.isLoaded(id)) return;
    this.#mailbox.follow(threadId);
    this.changed();
  }

  /** Follows it no longer: codex let it go, or another session writes it. */
  unfollow(id: string): void {
    const threadId = this.#options.codex.threads.inConvex(id);
    if (threadId !== undefined) this.#mailbox.unfollow(threadId);
    this.changed();
  }

  /** Sees an event that its threads have seen. @param ended the turns that it ends */
  saw({ kind, threadId: id }: NormalizedEvent, ended: readonly string[]): void {
    const { threads } = this.#options.codex;
    // An agent's thread may have been known in Convex before it was known to be loaded.
    if (kind === "turn/started") this.follow(id);
    const threadId = threads.inConvex(id);
    if (threadId !== undefined && ended.length > 0) this.#mailbox.turnEnded(threadId);
    if (!threads.isLoaded(id)) this.unfollow(id);
    if (ended.length > 0) this.changed();
  }

  /** A batch has arrived in Convex: what its turn's end lets go may be leased. */
  arrived({ threadId: id, events }: OutboxBatch): void {
    const threadId = this.#options.codex.threads.inConvex(id);
    if (threadId !== undefined && events.some(({ kind }) => kind === "turn/completed")) this.#mailbox.endArrived(threadId);
  }

  /** What is told of this machine changed. */
  changed(): void {
    this.#heartbeat.changed();
  }

  /** Takes no command any more. What is at work stays in the journal. */
  stopCommands(): void {
    this.#mailbox.stop();
  }

  /** Tells what is so now, a last time, if that can be told in so many milliseconds. */
  async stop(waitMs: number): Promise<void> {
    this.stopCommands();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([this.#heartbeat.tellNow().catch(() => undefined), late]);
    clearTimeout(timer);
    this.#heartbeat.stop();
  }

  /** As soon as it is known what codex may write: its owner hears at once where that is their policy. */
  #checkPolicy(): void {
    const started = this.#options.started();
    if (started === undefined) return;
    this.#policy.tellExposed(faultOfPolicy(this.#policyJson(), this.#settings(started)) === "exposed");
  }

  #policyJson(): string {
    return this.#allowed.inPolicy(this.#policy.read());
  }

  #settings(started: CodexSettings): MachineSettings {
    return { started: this.#allowed.inSettings(started), files: this.#policy.files() };
  }

  #machine(): Machine {
    const { codex, started } = this.#options;
    const { threads } = codex;
    const toldOf = (threadId: string) => threads.settings(threads.idOf(threadId) ?? "");
    return {
      policyJson: () => this.#policyJson(),
      settings: (threadId) => {
        const given = started();
        if (given === undefined) throw new Error("what codex was started with is not known yet");
        const told = toldOf(threadId);
        // Of a thread that an app or another client loaded it is not known: it counts as more than is allowed.
        const thread = told === undefined ? { cwd: null, sandboxPolicy: null, approvalPolicy: null } : settingsNow(told);
        return { ...this.#settings(given), thread };
      },
      ownCwd: (threadId) => {
        const told = toldOf(threadId);
        const cwd = told && realPathOf(told.cwd);
        // What codex has not said of the thread itself, or calls by a link.
        return told?.sandboxPolicy === null || cwd !== told?.cwd ? cwd : undefined;
      },
      request: (threadId: string, name: RequestName) => {
        const request = codex.request(threadId, name);
        if (request === undefined) return null;
        const payloadSha256 = createHash("sha256").update(request.payloadJson).digest("hex");
        return { request, payloadSha256, isRedacted: codex.isRedacted(request) };
      },
    };
  }

  async #listTurns(threadId: string, page: TurnPage): Promise<EchoPage> {
    const { codex } = this.#options;
    const { client, threads } = codex;
    await codex.ready(threadId);
    const params = { threadId: threads.idOf(threadId), ...page, itemsView: "full" };
    try {
      return (await client.requestUntyped("thread/turns/list", params)) as EchoPage;
    } catch (thrown) {
      // It has no such thread, or is too old to say: nothing is found then.
      if (isRefusedByCodex(thrown)) return { data: [] };
      throw thrown;
    }
  }

  /** The threads that a beat tells of: those that are loaded, and those of which something waits. */
  #threads(): Present["threads"] {
    const { codex, outbox } = this.#options;
    const { threads, requests } = codex;
    const waiting = new Map<string, Backlog>(outbox.backlog().map((backlog) => [backlog.threadId, backlog]));
    return [...new Set([...threads.list(), ...waiting.keys()])].flatMap((id) => {
      const threadId = threads.inConvex(id);
      if (threadId === undefined) return [];
      const [turnId, backlog] = [threads.running(id), waiting.get(id)];
      const { events: outboxEvents = 0, oldestEventAt } = backlog ?? {};
      const told = { threadId, pendingRequests: requests.list(id).length, outboxEvents };
      return [{ ...told, ...(turnId === undefined ? {} : { turnId }), ...(oldestEventAt === undefined ? {} : { oldestEventAt }) }];
    });
  }
}

function journalIn(commands: Outbox["commands"]): CommandJournal {
  return {
    delivered: (command) => commands.putCommand(command),
    settled: (commandId) => commands.removeCommand(commandId),
    open: async () => (await commands.commands()) as DeliveredCommand[],
  };
}
