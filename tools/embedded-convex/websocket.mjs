// The server's half of RFC 6455, as far as Convex clients use it: text messages, ping, close; no extensions.
import { createHash } from "node:crypto";

const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OP = { continuation: 0, text: 1, close: 8, ping: 9, pong: 10 };
const FIN = 0x80;
const MASKED = 0x80;
/** Arguments have 16 MiB at most; JSON may escape a byte of them into several. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;
const CLOSE = { protocol: 1002, illFormed: 1007, tooBig: 1009 };

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Answers an upgrade request.
 *
 * @param {{onText: (text: string) => void, onClose: () => void}} handlers
 */
export function acceptWebSocket(request, socket, { onText, onClose }) {
  const key = request.headers["sec-websocket-key"];
  if (!key) return void socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  const accept = createHash("sha1").update(key + ACCEPT_GUID).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.setNoDelay(true);
  let open = true;
  const closed = () => {
    if (!open) return;
    open = false;
    socket.destroy();
    onClose();
  };
  socket.on("close", closed);
  socket.on("error", closed);

  const write = (op, payload) => open && socket.writable && socket.write(encodeFrame(op, payload));
  const connection = {
    send: (text) => void write(OP.text, Buffer.from(text)),
    close(code) {
      const payload = Buffer.alloc(2);
      payload.writeUInt16BE(code);
      write(OP.close, payload);
      socket.end();
    },
    /** Resolves once the other side has taken what was sent, or is gone. */
    async drained() {
      while (open && socket.writableNeedDrain) {
        await new Promise((ready) => {
          socket.once("drain", ready);
          socket.once("close", ready);
        });
      }
    },
  };

  const reader = new FrameReader();
  let parts = [];
  let partBytes = 0;
  const onFrame = ({ fin, op, payload }) => {
    if (op === OP.close) return closed();
    if (op === OP.ping) return write(OP.pong, payload);
    if (op !== OP.text && op !== OP.continuation) return;
    parts.push(payload);
    partBytes += payload.length;
    if (partBytes > MESSAGE_BYTES_MAX) return connection.close(CLOSE.tooBig);
    if (!fin) return;
    const bytes = Buffer.concat(parts);
    parts = [];
    partBytes = 0;
    let text;
    try {
      text = utf8.decode(bytes);
    } catch {
      return connection.close(CLOSE.illFormed);
    }
    onText(text);
  };
  socket.on("data", (chunk) => {
    try {
      for (const frame of reader.push(chunk)) if (open) onFrame(frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      connection.close(error.closeCode);
    }
  });
  return connection;
}

class FrameError extends Error {
  constructor(closeCode) {
    super(`websocket frame refused (${closeCode})`);
    this.closeCode = closeCode;
  }
}

class FrameReader {
  #chunks = [];
  #bytes = 0;
  /** Bytes that the frame under way takes: chunks are joined once these are there, not at every chunk. */
  #wanted = 2;

  /** The frames that `chunk` completes. */
  push(chunk) {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames = [];
    while (this.#bytes >= this.#wanted) {
      const buffer = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
      this.#chunks = [buffer];
      const head = readHead(buffer);
      if (head.wanted > buffer.length) {
        this.#wanted = head.wanted;
        continue;
      }
      frames.push({ fin: head.fin, op: head.op, payload: unmask(buffer, head) });
      this.#chunks = [buffer.subarray(head.wanted)];
      this.#bytes = buffer.length - head.wanted;
      this.#wanted = 2;
    }
    return frames;
  }
}

/** Reads a frame's head; `wanted` is how many bytes have to be there for the next step. */
function readHead(buffer) {
  const fin = (buffer[0] & FIN) !== 0;
  const op = buffer[0] & 0x0f;
  if ((buffer[1] & MASKED) === 0) throw new FrameError(CLOSE.protocol); // a client must mask
  const short = buffer[1] & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const maskStart = 2 + lengthBytes;
  if (buffer.length < maskStart) return { fin, op, wanted: maskStart };
  const length = lengthBytes === 2 ? buffer.readUInt16BE(2) : lengthBytes === 8 ? Number(buffer.readBigUInt64BE(2)) : short;
  if (length > MESSAGE_BYTES_MAX) throw new FrameError(CLOSE.tooBig);
  return { fin, op, maskStart, wanted: maskStart + 4 + length };
}

function unmask(buffer, { maskStart, wanted }) {
  const mask = buffer.subarray(maskStart, maskStart + 4);
  const payload = Buffer.from(buffer.subarray(maskStart + 4, wanted));
  for (let i = 0; i < payload.length; i++) payload[i] ^= mask[i & 3];
  return payload;
}

function encodeFrame(op, payload) {
  let head;
  if (payload.length < 126) {
    head = Buffer.from([FIN | op, payload.length]);
  } else if (payload.length < 2 ** 16) {
    head = Buffer.from([FIN | op, 126, payload.length >> 8, payload.length & 0xff]);
  } else {
    head = Buffer.alloc(10);
    head[0] = FIN | op;
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, payload]);
}
