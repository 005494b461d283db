import { useConvex, type ConvexReactClient } from "convex/react";
import type { ReactNode } from "react";
import { Component } from "react";
import { FailureNotice } from "./notice.js";

/** Shows a failure in place of the page, or of a part of it, until its reader tries again. */
export function Boundary({ children }: { children: ReactNode }) {
  return <Catch client={useConvex()}>{children}</Catch>;
}

interface Props {
  client: ConvexReactClient;
  children: ReactNode;
}

interface State {
  client?: ConvexReactClient;
  error?: Error | undefined;
}

class Catch extends Component<Props, State> {
  override state: State = {};

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error("unknown") };
  }

  /** What is asked anew, by another client, may well be drawn. */
  static getDerivedStateFromProps({ client }: Props, state: State): State | null {
    return client === state.client ? null : { client, error: undefined };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <main className="page">
        <FailureNotice title="This could not be shown" error={error} />
      </main>
    );
  }
}
