import net from "node:net";
import { type ClientOptions, WebSocket } from "ws";
import { messageOf } from "../coded-error.js";
import { CodexBridgeError } from "./errors.js";
import { LINE_BYTES_MAX } from "./framing.js";
import type { CodexLink, ProcessListener } from "./process.js";

/** Milliseconds in which a running app-server takes the connection. */
const ATTACH_TIMEOUT_MS = 10_000;
/** Milliseconds from the wish to go until the connection is cut. */
const CLOSE_AFTER_MS = 5_000;
/** Milliseconds between two pings. SOURCE: codex 0.169.0 and 0.171.0 answer them, over TCP and over a socket's file. */
const PING_MS = 20_000;
/** Pings in a row that nothing was heard after: its machine, or the way to it, is gone, which a connection may never say. */
const PINGS_LOST_MAX = 2;
const LINE_END = Buffer.from("\n");
/** What stands before a socket's path. */
const UNIX = "unix://";

/**
 * A connection to an app-server that somebody else runs (`codex app-server --listen unix://…`, or a desktop's daemon): each message is a
 * frame of a WebSocket. It is told of as a process is; when it goes, the app-server goes on.
 */
export class CodexSocket implements CodexLink {
  readonly #listener: ProcessListener;
  readonly #socket: WebSocket | undefined;
  readonly #waiting: string[] = [];
  /** It is not to be read; `ws` takes that only once the connection is there. */
  #isPaused = false;
  #isTerminating = false;
  #isEnded = false;
  #pinging: NodeJS.Timeout | undefined;
  /** Pings since something was heard. */
  #pings = 0;
  #error: CodexBridgeError | undefined;

  /**
   * Connects.
   *
   * @param address `unix:///path/of/the.sock`, or `ws://host:port`
   * @param listener is told everything, the failure to connect included
   */
  constructor(address: string, listener: ProcessListener) {
    this.#listener = listener;
    try {
      this.#socket = this.#attach(connect(address), address);
    } catch (thrown) {
      this.#error = attachFailed(address, thrown);
      queueMicrotask(() => this.#end());
    }
  }

  /** Sends a message, with its line end or without; as soon as the connection is there. */
  write(text: string): void {
    if (this.#socket?.readyState === WebSocket.CONNECTING) this.#waiting.push(text);
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(text.trimEnd(), (thrown) => {
      if (thrown && !this.#isTerminating) this.#listener.onFault(new CodexBridgeError("E_BRIDGE_PIPE_FAILED", messageOf(thrown), thrown));
    });
  }

  /** Stops reading, until {@link resume}. */
  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#isPaused = false;
    this.#pings = 0;
    this.#socket?.resume();
  }

  /** Closes the connection, then cuts it. */
  terminate(): void {
    if (this.#isTerminating || this.#isEnded) return;
    this.#isTerminating = true;
    this.resume();
    this.#socket?.close();
    const timer = setTimeout(() => this.#socket?.terminate(), CLOSE_AFTER_MS);
    this.#socket?.once("close", () => clearTimeout(timer));
  }

  #attach(socket: WebSocket, address: string): WebSocket {
    let isOpen = false;
    socket.on("open", () => {
      isOpen = true;
      if (this.#isEnded) return;
      if (this.#isPaused) socket.pause();
      this.#pinging = setInterval(() => this.#ping(socket), PING_MS).unref();
      this.#listener.onSpawn();
      for (const text of this.#waiting.splice(0)) this.write(text);
    });
    socket.on("pong", () => (this.#pings = 0));
    socket.on("message", (data: Buffer) => {
      this.#pings = 0;
      if (this.#isEnded) return;
      this.#listener.onStdout(data);
      this.#listener.onStdout(LINE_END);
    });
    socket.on("error", (thrown) => {
      // It was to end.
      if (this.#isTerminating) return;
      if (!isOpen) this.#error = attachFailed(address, thrown);
      else this.#listener.onFault(new CodexBridgeError("E_BRIDGE_PIPE_FAILED", messageOf(thrown), thrown));
    });
    socket.on("close", () => this.#end());
    return socket;
  }

  /** Asks whether somebody is there still; one that is not read may be. */
  #ping(socket: WebSocket): void {
    if (this.#isPaused) return;
    if (this.#pings === PINGS_LOST_MAX) {
      this.#listener.onFault(new CodexBridgeError("E_BRIDGE_PIPE_FAILED", "the app-server does not answer any more: the connection is cut"));
      socket.terminate();
      return;
    }
    this.#pings += 1;
    socket.ping();
  }

  #end(): void {
    clearInterval(this.#pinging);
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#listener.onEnd({ code: null, signal: null, stderrTail: "", ...(this.#error === undefined ? {} : { error: this.#error }) });
  }
}

/** A connection to an address. What stands behind `unix://` is a path as it is: `ws` would read it as a part of a URL. */
function connect(address: string): WebSocket {
  const options: ClientOptions = { handshakeTimeout: ATTACH_TIMEOUT_MS, maxPayload: LINE_BYTES_MAX, perMessageDeflate: false };
  if (!address.startsWith(UNIX)) return new WebSocket(address, options);
  const path = address.slice(UNIX.length);
  // Node takes an empty path for none, and connects to a port.
  if (path === "") throw new TypeError("it names no socket");
  // What `ws` asks of a connection holds of this one too: the time that it may take.
  const createConnection = ((given: object) => net.connect({ ...given, path })) as typeof net.connect;
  return new WebSocket("ws://localhost/", { ...options, createConnection });
}

function attachFailed(address: string, thrown: unknown): CodexBridgeError {
  return new CodexBridgeError("E_BRIDGE_ATTACH_FAILED", `no app-server could be reached at ${address}: ${messageOf(thrown)}`, thrown);
}
