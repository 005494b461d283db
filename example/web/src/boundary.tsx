import type { ReactNode } from "react";
import { Component } from "react";
import { FailureNotice } from "./notice.js";
import { RetryContext } from "./retry.js";

interface Props {
  /** What is asked anew before it is drawn again. */
  onRetry: () => void;
  children: ReactNode;
}

/** Shows a failure in place of the page, or of a part of it, until its reader tries again. */
export class Boundary extends Component<Props, { error?: Error | undefined }> {
  override state: { error?: Error | undefined } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error("unknown") };
  }

  readonly #retry = () => {
    this.props.onRetry();
    this.setState({ error: undefined });
  };

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <RetryContext value={this.#retry}>
        <main className="page">
          <FailureNotice title="This could not be shown" error={error} />
        </main>
      </RetryContext>
    );
  }
}
