import type { ReactNode } from "react";
import { readTarget } from "../links.js";
import { Visible } from "./visible.js";

export interface LinkProps {
  url: string;
  /** What the link is the text of. */
  text: string;
  children?: ReactNode;
}

/** A link that somebody else wrote: it says where it leads. One that may not be followed is text, its target with it. */
export function Link({ url, text, children = text }: LinkProps) {
  const target = readTarget(url, text);
  if (target === undefined) {
    return (
      <span>
        <bdi>{children}</bdi>
        {url !== "" && url !== text && (
          <>
            {" "}
            <code className="target">
              <Visible text={url} />
            </code>
          </>
        )}
      </span>
    );
  }
  return (
    <a href={target.href} title={target.href} target="_blank" rel="noopener noreferrer">
      <bdi>{children}</bdi>
      {target.shown !== undefined && <span className="target"> ({target.shown})</span>}
    </a>
  );
}
