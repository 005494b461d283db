import { useState } from "react";
import { formatUnits } from "../format.js";
import { handOver } from "../hand-over.js";

export interface PictureProps {
  /** A data URL, as `imageOf` lets it pass. */
  url: string;
  name: string;
  /** Shown at once: whoever sent it is who looks at it. */
  isShown?: boolean;
}

/** An image that came with an item. What a tool gave is decoded on request only. */
export function Picture({ url, name, isShown = false }: PictureProps) {
  const [isOpen, setIsOpen] = useState(isShown);
  const [isBroken, setIsBroken] = useState(false);
  if (isBroken) return <p className="aside">{name} cannot be shown.</p>;
  if (!isOpen) {
    return (
      <p className="aside">
        <button ref={handOver} type="button" className="more" onClick={() => setIsOpen(true)}>
          Show {name.toLowerCase()} ({formatUnits(url.length)})
        </button>
      </p>
    );
  }
  return (
    <img
      className="picture"
      src={url}
      alt={name}
      decoding="async"
      onError={() => setIsBroken(true)}
    />
  );
}
