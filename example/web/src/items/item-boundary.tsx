import type { CodexUIMessage } from "convex-codex-local/react";
import type { ReactNode } from "react";
import { Component } from "react";
import { Visible } from "./visible.js";

interface Props {
  message: CodexUIMessage;
  children: ReactNode;
}

/** What is shown of the text of an item that could not be drawn, in UTF-16 units. */
const UNITS_MAX = 4_000;

interface State {
  message?: CodexUIMessage;
  isFailed: boolean;
}

/** Keeps one item that cannot be drawn from taking the thread with it. Its text is shown as it is. */
export class ItemBoundary extends Component<Props, State> {
  override state: State = { isFailed: false };

  static getDerivedStateFromError(): Partial<State> {
    return { isFailed: true };
  }

  /** Another state of the item may well be drawn. */
  static getDerivedStateFromProps({ message }: Props, state: State): State | null {
    return message === state.message ? null : { message, isFailed: false };
  }

  override render() {
    if (!this.state.isFailed) return this.props.children;
    return (
      <div className="error">
        <p>This could not be shown. Its text:</p>
        <p className="said">
          <Visible text={this.props.message.text.slice(0, UNITS_MAX)} />
        </p>
      </div>
    );
  }
}
