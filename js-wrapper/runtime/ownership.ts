import { ownerOf } from "../host/owner.js";
import type { HostActorContext } from "../host/validators.js";
import { OutboxError } from "../outbox/index.js";
import { codeOf, isMissingFunction } from "./errors.js";

/** What says whose the calls are, by a name of {@link ownerOf}. */
export interface OwnerPersistence {
  /** Undefined where the app does not say it. Left out, the calls are of whoever the start is told. */
  owner?(args: { runtimeId: string }): Promise<string | undefined>;
}

/** An outbox, as what is kept of its owner. */
interface OwnedFolder {
  readonly runtimeId: string;
  /** Undefined until it is known. */
  readonly owner: string | undefined;
  keepOwner(owner: string): unknown;
}

interface OwnershipOptions {
  /** Whose the calls are by the start; undefined where it does not say. */
  readonly actor?: HostActorContext | undefined;
  /** The outbox is another user's: told once. */
  readonly onOther?: ((error: OutboxError) => void) | undefined;
}

/** What an app says to the question whose functions are older than it: there is no such thread. */
const UNSAID: ReadonlySet<string> = new Set(["E_AUTH_THREAD_FORBIDDEN", "E_REQUEST_INVALID"]);
/** Times that an app is asked of whose outbox nothing is known: its function may fail at the question each time. */
const TRIES_MAX = 5;
/** What follows something, and asks for nothing by itself. */
const FOLLOWING: ReadonlySet<PropertyKey> = new Set(["onConnected", "followCommands"]);

/** Whose an outbox is: of whom it was first, and of nobody else from then on. What waits there would become the other one's. */
export class Ownership {
  readonly #folder: OwnedFolder;
  readonly #persistence: OwnerPersistence;
  readonly #options: OwnershipOptions;
  #passed: Promise<void> | undefined;
  #tries = 0;
  #isOther = false;
  #isSame = false;

  constructor(folder: OwnedFolder, persistence: OwnerPersistence, options: OwnershipOptions = {}) {
    this.#folder = folder;
    this.#persistence = persistence;
    this.#options = options;
  }

  /** It was the caller's before: so is what is noted in it. */
  get isSame(): boolean {
    return this.#isSame;
  }

  /** It is another user's. */
  get isOther(): boolean {
    return this.#isOther;
  }

  /**
   * Resolves when the outbox is the caller's as far as that can be known; asked for again by the next call where it failed.
   *
   * @throws OutboxError `E_OUTBOX_OWNER_MISMATCH`; what the question failed with, where it is known whose the outbox is
   */
  passed(): Promise<void> {
    return (this.#passed ??= this.#check().catch((thrown: unknown) => {
      if (this.#isOther) throw thrown;
      const isKnown = this.#folder.owner !== undefined;
      this.#tries += 1;
      if (isKnown || this.#tries < TRIES_MAX) this.#passed = undefined;
      if (isKnown) throw thrown;
    }));
  }

  /** The same persistence, whose calls wait for {@link passed}. */
  before<Persistence extends object>(persistence: Persistence): Persistence {
    return new Proxy(persistence, {
      get: (target, name) => {
        const call: unknown = Reflect.get(target, name);
        if (typeof call !== "function") return call;
        if (FOLLOWING.has(name)) return call.bind(target) as unknown;
        return async (...args: unknown[]) => {
          await this.passed();
          return (await Reflect.apply(call, target, args)) as unknown;
        };
      },
    });
  }

  async #check(): Promise<void> {
    const owner = await this.#ask();
    this.#isSame = owner !== undefined && owner === this.#folder.owner;
    if (owner === undefined || this.#isSame) return;
    if (this.#folder.owner === undefined) {
      await this.#folder.keepOwner(owner);
      return;
    }
    this.#isOther = true;
    const error = new OutboxError("E_OUTBOX_OWNER_MISMATCH", "the outbox is another user's, or another organisation's: nothing of it is sent");
    this.#options.onOther?.(error);
    throw error;
  }

  async #ask(): Promise<string | undefined> {
    const { runtimeId } = this.#folder;
    const { actor } = this.#options;
    if (this.#persistence.owner === undefined) return actor && ownerOf(runtimeId, actor);
    try {
      return await this.#persistence.owner({ runtimeId });
    } catch (thrown) {
      if (isMissingFunction(thrown) || UNSAID.has(codeOf(thrown))) return undefined;
      throw thrown;
    }
  }
}
