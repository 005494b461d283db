import { ConvexProvider, ConvexReactClient } from "convex/react";
import { useEffect, useState } from "react";
import { Boundary } from "./boundary.js";
import { useConfig } from "./config.js";
import { Notice } from "./notice.js";
import { Shell } from "./shell.js";

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
        <Shell threadId={threadId} />
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
