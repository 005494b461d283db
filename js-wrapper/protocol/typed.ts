/** Messages of the pinned app-server, typed by their methods. */
import type { CodexRpcError, RpcId } from "./messages.js";
import type { ClientNotifications, ClientRequests, ServerNotifications, ServerRequests } from "./generated/types.js";

/** A method that a client asks. */
export type ClientRequestMethod = keyof ClientRequests;
/** A method that a client tells. */
export type ClientNotificationMethod = keyof ClientNotifications;
/** A method that the app-server asks. */
export type ServerRequestMethod = keyof ServerRequests;
/** A method that the app-server tells. */
export type ServerNotificationMethod = keyof ServerNotifications;

/** What a request of a client takes; undefined where it takes nothing. */
export type ClientRequestParams<M extends ClientRequestMethod> = ClientRequests[M]["params"];
/** What a request of a client is answered with. */
export type ClientRequestResult<M extends ClientRequestMethod> = ClientRequests[M]["result"];
/** What a request of the app-server says. */
export type ServerRequestParams<M extends ServerRequestMethod> = ServerRequests[M]["params"];
/** What a request of the app-server is answered with. */
export type ServerRequestResult<M extends ServerRequestMethod> = ServerRequests[M]["result"];

/** `params`, which may be left out where they may be undefined. */
type WithParams<Params> = undefined extends Params ? { readonly params?: Params } : { readonly params: Params };

/** A request of a client: of this method, or of any. */
export type ClientRequest<M extends ClientRequestMethod = ClientRequestMethod> = {
  [Method in M]: { readonly method: Method; readonly id: RpcId } & WithParams<ClientRequests[Method]["params"]>;
}[M];

/** A notification of a client. */
export type ClientNotification<M extends ClientNotificationMethod = ClientNotificationMethod> = { [Method in M]: { readonly method: Method } }[M];

/** A request of the app-server: of this method, or of any. */
export type ServerRequest<M extends ServerRequestMethod = ServerRequestMethod> = {
  [Method in M]: { readonly method: Method; readonly id: RpcId; readonly params: ServerRequests[Method]["params"] };
}[M];

/** A notification of the app-server: of this method, or of any. */
export type ServerNotification<M extends ServerNotificationMethod = ServerNotificationMethod> = {
  [Method in M]: { readonly method: Method; readonly params: ServerNotifications[Method]["params"]; readonly emittedAtMs?: number };
}[M];

/** What any request of a client is answered with. */
export type GeneratedResponsePayload = ClientRequestResult<ClientRequestMethod>;

/** What any request of the app-server is answered with. */
export type ClientServerRequestResponse =
  | { readonly id: RpcId; readonly result: ServerRequestResult<ServerRequestMethod> }
  | { readonly id: RpcId; readonly error: CodexRpcError };
