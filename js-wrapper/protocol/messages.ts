/** The id of a request. The app-server counts its own from 0 in every process: its ids and a client's may be equal. */
export type RpcId = string | number;

/** A message without an answer. The wire has no `jsonrpc` field. */
export interface CodexNotification {
  readonly method: string;
  readonly params?: unknown;
  /** Milliseconds since 1970; only in what the app-server sends. */
  readonly emittedAtMs?: number;
}

/** A message that wants an answer, from either side. */
export interface CodexRequest {
  readonly method: string;
  readonly id: RpcId;
  readonly params?: unknown;
}

/** What a failed request is answered with. */
export interface CodexRpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** The answer to a request; the app-server's answers come in any order. */
export type CodexResponse =
  | { readonly id: RpcId; readonly result: unknown }
  | { readonly id: RpcId | null; readonly error: CodexRpcError };

/** Any message that the app-server prints. */
export type ServerInboundMessage = CodexNotification | CodexRequest | CodexResponse;

/** A request or notification that a client sends. */
export type ClientOutboundMessage = CodexNotification | CodexRequest;

/** Any message that a client sends, answers to the app-server's requests included. */
export type ClientOutboundWireMessage = ClientOutboundMessage | CodexResponse;

/** Any message of either side. */
export type CodexWireMessage = ServerInboundMessage | ClientOutboundWireMessage;

/** What a message is, as the core read it off its line. */
export type ClassifiedMessage =
  | { readonly type: "response" }
  | { readonly type: "global"; readonly method: string; readonly request: boolean }
  | {
      readonly type: "event";
      readonly kind: string;
      readonly threadId: string;
      readonly turnId?: string;
      readonly request: boolean;
    };
