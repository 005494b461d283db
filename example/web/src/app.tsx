import {
  ConvexProvider,
  ConvexReactClient,
  useConvexConnectionState,
} from "convex/react";
import { useCodexMessages, useCodexThreads } from "convex-codex-local/react";
import { useEffect, useState } from "react";
import { api } from "./api.js";
import { Boundary } from "./boundary.js";
import { chooseThread, useConfig } from "./config.js";
import type { Connection } from "./header.js";
import { Notice } from "./notice.js";
import { ThreadPage } from "./thread-page.js";

const INITIAL_MESSAGES = 30;
const THREADS_LISTED = 20;

export function App() {
  const { url, token, threadId } = useConfig();
  const client = useClient(url, token);

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
      <Boundary key={url}>
        {threadId === null ? <NewestThread /> : <Thread threadId={threadId} />}
      </Boundary>
    </ConvexProvider>
  );
}

/** The client of a deployment: undefined before it is made, null where there is none to talk to. */
function useClient(url: string | null, token: string | null): ConvexReactClient | null | undefined {
  const [client, setClient] = useState<ConvexReactClient | null>();
  // Made by the effect that closes it: a closed client cannot be used again, and StrictMode runs an effect twice.
  useEffect(() => {
    const made = connect(url);
    if (token !== null) made?.setAuth(() => Promise.resolve(token));
    setClient(made);
    return () => void made?.close();
  }, [url, token]);
  return client;
}

function connect(url: string | null): ConvexReactClient | null {
  if (url === null) return null;
  try {
    return new ConvexReactClient(url);
  } catch {
    return null;
  }
}

function NewestThread() {
  const threads = useThreads();
  const connection = useConnection();
  const [shown, setShown] = useState<string>();
  const newest = threads?.[0]?.threadId;
  // Two threads at work are the newest in turns: the one that was is kept.
  if (shown === undefined && newest !== undefined) setShown(newest);
  if (shown !== undefined) return <Thread threadId={shown} />;

  if (threads === undefined) {
    return <Notice title={connection === "lost" ? "No connection" : "Connecting"} isBusy />;
  }
  return (
    <Notice title="No thread yet" isBusy>
      Start Codex on your machine. Its thread appears here by itself.
    </Notice>
  );
}

function Thread({ threadId }: { threadId: string }) {
  const messages = useCodexMessages(
    api.chat.listThreadMessagesForHooks,
    { threadId },
    { initialNumItems: INITIAL_MESSAGES, stream: true },
  );
  return (
    <ThreadPage
      key={threadId}
      threadId={threadId}
      threads={useThreads() ?? []}
      messages={messages}
      connection={useConnection()}
      onChoose={chooseThread}
    />
  );
}

function useThreads() {
  const threads = useCodexThreads(api.chat.listThreadsForHooks, {}, { initialNumItems: THREADS_LISTED });
  return threads.status === "LoadingFirstPage" ? undefined : threads.results;
}

function useConnection(): Connection {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  if (isWebSocketConnected) return "live";
  return hasEverConnected ? "lost" : "connecting";
}
