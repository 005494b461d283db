import type { ReactNode } from "react";
import { Component } from "react";
import { Notice } from "./notice.js";

/** Shows a failure in place of the page. */
export class Boundary extends Component<{ children: ReactNode }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error : new Error("unknown") };
  }

  override render() {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return (
      <Notice title="This did not work">
        <code>{error.message}</code>
      </Notice>
    );
  }
}
