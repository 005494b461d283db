import { ConvexProvider, ConvexReactClient } from "convex/react";
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { Boundary } from "./boundary.js";
import { useConfig } from "./config.js";
import { Kept, KeptContext } from "./kept.js";
import { Notice } from "./notice.js";
import { RetryContext } from "./retry.js";
import { Shell } from "./shell.js";

export interface AppProps {
  /** Makes the client of a deployment, by its address; throws where that is none. */
  connect?: (url: string) => ConvexReactClient;
}

export function App({ connect = connectTo }: AppProps) {
  const { url, token, threadId } = useConfig();
  const [attempt, setAttempt] = useState(0);
  const { client, of } = useClient(connect, url, token, attempt);
  const retry = useCallback(() => setAttempt((before) => before + 1), []);

  if (client === undefined) return null;
  if (client === null) {
    return (
      <Notice title="No deployment">
        {url === null ? (
          <>
            Open this page with the address that the demo prints. It ends in <code>#url=…</code>.
          </>
        ) : (
          <>
            This is not the address of a deployment: <code>{url}</code>
          </>
        )}
      </Notice>
    );
  }
  return (
    <ConvexProvider client={client}>
      <RetryContext value={retry}>
        <Keeping key={of}>
          <Boundary>
            <Shell threadId={threadId} />
          </Boundary>
        </Keeping>
      </RetryContext>
    </ConvexProvider>
  );
}

/** Keeps what is written here, also where a new client takes the place of one that failed. */
function Keeping({ children }: { children: ReactNode }) {
  const [kept] = useState(() => new Kept());
  return <KeptContext value={kept}>{children}</KeptContext>;
}

interface Connected {
  client: ConvexReactClient | null | undefined;
  /** Whose it is: another deployment's or user's page begins with its client, not before. */
  of: string;
}

/**
 * The client of a deployment: undefined before it is made, null where there is none to talk to. Another `attempt` is another client, to
 * which all that is followed moves: what is typed and opened stays.
 */
function useClient(
  connect: (url: string) => ConvexReactClient,
  url: string | null,
  token: string | null,
  attempt: number,
): Connected {
  const [connected, setConnected] = useState<Connected>({ client: undefined, of: "" });
  const { client } = connected;
  const used = useRef<ConvexReactClient | null>(undefined);
  // Made by the effect that closes it: a closed client cannot be used again, and StrictMode runs an effect twice.
  useEffect(() => {
    const made = url === null ? null : connectOrNull(connect, url);
    if (token !== null) made?.setAuth(() => Promise.resolve(token));
    setConnected({ client: made, of: JSON.stringify([url, token]) });
    return () => {
      if (made !== used.current) closeWhenDone(made);
    };
  }, [connect, url, token, attempt]);
  // One that is used is closed when all that is shown uses the next.
  useEffect(() => {
    used.current = client;
    return () => closeWhenDone(client);
  }, [client]);
  return connected;
}

/** What was sent and is not answered is waited for: whoever sent it is told. */
function closeWhenDone(client: ConvexReactClient | null | undefined): void {
  if (client === null || client === undefined) return;
  if (!client.connectionState().hasInflightRequests) {
    void client.close();
    return;
  }
  const stop = client.subscribeToConnectionState(({ hasInflightRequests }) => {
    if (hasInflightRequests) return;
    stop();
    void client.close();
  });
}

function connectOrNull(connect: (url: string) => ConvexReactClient, url: string): ConvexReactClient | null {
  try {
    return connect(url);
  } catch {
    return null;
  }
}

function connectTo(url: string): ConvexReactClient {
  return new ConvexReactClient(url);
}
