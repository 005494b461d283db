// A network between clients and a Convex, request by request and connection by connection: it loses requests, loses answers, cuts, stands still, is down.
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";

/** Of requests: lost before Convex has them, and their answers lost. */
const LOST = 0.02;
/** Of pieces that come over a WebSocket: the connection is cut in their place. */
const CUT = 0.002;

/**
 * Makes a way to Convex with an address of its own.
 *
 * @param {string} upstream the deployment's address
 * @param {() => number} chance
 * @param {Record<string, number>} lost what it did, counted here
 */
export async function networkTo(upstream, chance, lost) {
  const to = new URL(upstream);
  const { host, hostname } = to;
  const isSecure = to.protocol === "https:";
  const port = Number(to.port) || (isSecure ? 443 : 80);
  const ask = isSecure ? https.request : http.request;
  const connect = () => (isSecure ? tls.connect({ port, host: hostname, servername: hostname }) : net.connect(port, hostname));
  const sockets = new Set();
  const state = { isDown: false, isCalm: false, awayUntil: 0 };
  const isAwayFor = (ms) => (state.awayUntil = Math.max(state.awayUntil, Date.now() + ms));
  /** Of WebSockets: messages' pieces that came through, and connections that were refused. */
  const counts = { passed: 0, refused: 0 };
  const happens = (share) => !state.isCalm && chance() < share;
  const count = (what) => (lost[what] = (lost[what] ?? 0) + 1);

  const server = http.createServer((request, response) => {
    if (state.isDown || happens(LOST)) {
      count(state.isDown ? "requests while down" : "requests lost");
      return void request.socket.destroy();
    }
    const there = ask({ host: hostname, port, path: request.url, method: request.method, headers: { ...request.headers, host } }, (answer) => {
      if (happens(LOST)) {
        count("answers lost");
        answer.resume();
        return void request.socket.destroy();
      }
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    there.on("error", () => request.socket.destroy());
    request.pipe(there);
  });
  server.on("upgrade", (request, here) => {
    if (state.isDown) {
      counts.refused += 1;
      return void here.destroy();
    }
    const there = connect();
    const ends = () => {
      here.destroy();
      there.destroy();
      for (const socket of [here, there]) sockets.delete(socket);
    };
    for (const socket of [here, there]) sockets.add(socket);
    for (const socket of [here, there]) socket.on("error", ends).on("close", ends);
    const headers = Object.entries({ ...request.headers, host }).map(([name, value]) => `${name}: ${value}\r\n`);
    there.write(`${request.method} ${request.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
    const passes = (from, into, what) =>
      from.on("data", (piece) => {
        if (happens(CUT)) {
          count(what);
          return ends();
        }
        counts.passed += 1;
        if (!into.write(piece)) {
          from.pause();
          into.once("drain", () => from.resume());
        }
      });
    passes(here, there, "connections cut before a message");
    passes(there, here, "connections cut before an answer");
  });
  await new Promise((listens) => server.listen(0, "127.0.0.1", listens));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}${to.pathname.replace(/\/$/, "")}`,
    state,
    counts,
    /** How many WebSockets are open. */
    open: () => sockets.size / 2,
    cut,
    /** Stands still: what is sent waits, in both directions, on connections that seem well. */
    stall: (ms) => {
      count("stalls");
      isAwayFor(ms);
      for (const socket of sockets) socket.pause();
      setTimeout(() => sockets.forEach((socket) => socket.resume()), ms).unref();
    },
    down: (ms) => {
      count("outages");
      isAwayFor(ms);
      state.isDown = true;
      cut();
      setTimeout(() => (state.isDown = false), ms).unref();
    },
    close: () => {
      cut();
      server.close();
      server.closeAllConnections();
    },
  };
}
