// What a call costs, counted where the function asks for it: at its syscalls, and where it calls WebAssembly.
import { getDocumentSize, jsonToConvex } from "convex/values";

const DOCUMENT_WRITES = new Set(["1.0/insert", "1.0/shallowMerge", "1.0/replace", "1.0/remove"]);

/**
 * - `documentsRead`: documents that get, query and paginate handed out
 * - `ranges`: index ranges read: every get and every query started
 * - `documentsWritten`: insert, patch, replace, delete
 * - `readsWithPatches`: documentsRead, and one for every patch, replace and delete. The backend reads such a document to write it;
 *   the function never sees that read, so `documentsRead` does not have it: a patch is one write.
 * - `bytesRead`, `bytesWritten`: sizes of those documents, a patched one whole, as the backend's limits count them
 * - `crossings`: calls of functions that a WebAssembly module exports
 */
export function emptyUsage() {
  return { documentsRead: 0, ranges: 0, documentsWritten: 0, readsWithPatches: 0, bytesRead: 0, bytesWritten: 0, crossings: 0 };
}

export function addUsage(sum, usage) {
  for (const key of Object.keys(sum)) sum[key] += usage[key];
  return sum;
}

/** The counting side of one function call. */
export class UsageCounter {
  usage = emptyUsage();

  countSync(op) {
    if (op !== "1.0/queryStream") return;
    this.usage.ranges += 1;
  }

  countAsync(op, answer, bytesWritten) {
    if (op === "1.0/get") {
      this.usage.ranges += 1;
      this.#handedOut(JSON.parse(answer));
    } else if (op === "1.0/queryStreamNext") {
      const { value, done } = JSON.parse(answer);
      if (!done) this.#handedOut(value);
    } else if (op === "1.0/queryPage") {
      this.usage.ranges += 1;
      for (const document of JSON.parse(answer).page) this.#handedOut(document);
    } else if (DOCUMENT_WRITES.has(op)) {
      this.usage.documentsWritten += 1;
      if (op !== "1.0/insert") this.usage.readsWithPatches += 1;
      this.usage.bytesWritten += bytesWritten;
    }
  }

  #handedOut(json) {
    if (json === null) return;
    this.usage.documentsRead += 1;
    this.usage.readsWithPatches += 1;
    this.usage.bytesRead += getDocumentSize(jsonToConvex(json));
  }
}

export const isDocumentWrite = (op) => DOCUMENT_WRITES.has(op);

/** convex-test's ids are a counter padded with zeros, then the table's name. */
export const tableOfId = (id) => String(id).replace(/^\d+/, "");
