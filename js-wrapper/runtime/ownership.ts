import { ownerOf } from "../host/owner.js";
import type { HostActorContext } from "../host/validators.js";
import { messageOf } from "../coded-error.js";
import { mayPass, OutboxError } from "../outbox/index.js";
import { codeOf, isMissingFunction } from "./errors.js";

/** What calls go with. */
export interface Credential {
  /** Two of the same are of the same user. */
  readonly token: string | undefined;
  /** Makes a call that goes with it, whatever is given by then. */
  use<Answer>(call: () => Answer): Answer;
}

/** What says whose the calls are, by a name of {@link ownerOf}. */
export interface OwnerPersistence {
  /** Undefined where the app does not say it. Left out, the calls are of whoever the start is told. */
  owner?(args: { runtimeId: string }): Promise<string | undefined>;
  /** What a call goes with that is made now. Left out, all of them go with the same. */
  credential?(): Credential;
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
/** Times that an app's function fails at the question before it is asked no more, where nothing is known: it may do so each time. */
const TRIES_MAX = 5;
/** Of a persistence that does not say what its calls go with. */
const THE_SAME: Credential = { token: undefined, use: (call) => call() };
/** What follows something, and asks for nothing by itself. */
const FOLLOWING: ReadonlySet<PropertyKey> = new Set(["onConnected", "isDown", "followCommands"]);

/** Whose an outbox is: of whom it was first, and of nobody else from then on. What waits there would become the other one's. */
export class Ownership {
  readonly #folder: OwnedFolder;
  readonly #persistence: OwnerPersistence;
  readonly #options: OwnershipOptions;
  #owner: string | undefined;
  /** Of which credential it was asked last. */
  #last: { readonly token: string | undefined; readonly passed: Promise<void> } | undefined;
  #tries = 0;
  #other: OutboxError | undefined;
  /** The credential of the first call. */
  #first: Pick<Credential, "token"> | undefined;
  #hasPassed = false;
  #isOthersStart = false;
  /** It is known since this start alone. */
  #isNew = false;
  #isSame = false;

  constructor(folder: OwnedFolder, persistence: OwnerPersistence, options: OwnershipOptions = {}) {
    this.#folder = folder;
    this.#owner = folder.owner;
    this.#persistence = persistence;
    this.#options = options;
  }

  /** It was the caller's before: so is what is noted in it. */
  get isSame(): boolean {
    return this.#isSame;
  }

  /** A credential was another user's. */
  get isOther(): boolean {
    return this.#other !== undefined;
  }

  /** It was so from the start: what has happened since is that one's, and not the owner's. */
  get isOthersStart(): boolean {
    return this.#isOthersStart;
  }

  /**
   * Resolves when the outbox is the caller's as far as that can be known; asked for again by the next call where it failed, and of each
   * further credential.
   *
   * @throws OutboxError `E_OUTBOX_OWNER_MISMATCH`; what the question failed with, where it is known whose the outbox is
   */
  async passed(): Promise<void> {
    await this.#passes(this.#credential());
  }

  /** The same persistence, whose calls wait for {@link passed}, and go with the credential that has. */
  before<Persistence extends object>(persistence: Persistence): Persistence {
    // Over nothing: of one that is frozen a proxy may answer nothing but what is there.
    return new Proxy({} as Persistence, {
      has: (_, name) => name in persistence,
      get: (_, name) => {
        const call: unknown = Reflect.get(persistence, name);
        if (typeof call !== "function") return call;
        if (FOLLOWING.has(name)) return call.bind(persistence) as unknown;
        return async (...args: unknown[]) => {
          const credential = this.#credential();
          await this.#passes(credential);
          return await credential.use(() => Reflect.apply(call, persistence, args) as unknown);
        };
      },
    });
  }

  #credential(): Credential {
    return this.#persistence.credential?.() ?? THE_SAME;
  }

  async #passes(credential: Credential): Promise<void> {
    const { token } = credential;
    this.#first ??= { token };
    // Of a runtime that ends, with whatever.
    if (this.#other !== undefined) throw this.#other;
    if (this.#last?.token !== token) this.#last = undefined;
    const last = (this.#last ??= { token, passed: this.#check(credential) });
    try {
      await last.passed;
    } catch (thrown) {
      if (this.isOther) throw thrown;
      const isKnown = this.#owner !== undefined;
      if (this.#last === last) {
        if (isItsOwn(thrown)) this.#tries += 1;
        if (isKnown || this.#tries < TRIES_MAX) this.#last = undefined;
      }
      if (isKnown) throw thrown;
    }
  }

  async #check(credential: Credential): Promise<void> {
    const owner = await credential.use(() => this.#ask());
    if (owner === undefined) return;
    if (this.#owner === undefined) {
      this.#isNew = true;
      this.#owner = owner;
      await this.#folder.keepOwner(owner);
    }
    if (owner === this.#owner) {
      this.#hasPassed = true;
      this.#isSame = !this.#isNew;
      return;
    }
    const error = new OutboxError("E_OUTBOX_OWNER_MISMATCH", "the outbox is another user's, or another organisation's: nothing of it is sent");
    const isTold = this.#other !== undefined;
    this.#other ??= error;
    // Of one who came later, what came before may be the owner's.
    this.#isOthersStart = !this.#hasPassed && this.#first?.token === credential.token;
    if (!isTold) this.#options.onOther?.(error);
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

/**
 * Whether a function itself fails: that the network is down passes, and so does that a credential does not hold.
 * SOURCE: convex 1.48, what production says of a function that threw.
 */
function isItsOwn(thrown: unknown): boolean {
  if (codeOf(thrown).startsWith("E_AUTH_")) return false;
  return !mayPass(thrown) || messageOf(thrown).includes("] Server Error");
}
