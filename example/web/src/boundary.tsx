import { useConvex, type ConvexReactClient } from "convex/react";
import type { ReactNode } from "react";
import { Component } from "react";
import { FailureNotice } from "./notice.js";

export interface BoundaryProps {
  /** What stands around the failure, where that is more than a page. */
  around?: (failure: ReactNode) => ReactNode;
  children: ReactNode;
}

/** Shows a failure in place of the page, or of a part of it, until its reader tries again. */
export function Boundary(props: BoundaryProps) {
  return <Catch client={useConvex()} {...props} />;
}

interface Props extends BoundaryProps {
  client: ConvexReactClient;
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
    const { children, around = page } = this.props;
    return error === undefined ? children : around(<FailureNotice title="This could not be shown" error={error} />);
  }
}

function page(failure: ReactNode): ReactNode {
  return <main className="page">{failure}</main>;
}
