const SCHEMES = new Set(["http:", "https:", "mailto:"]);

/** A target that may be followed, and what is to be said of it. */
export interface Target {
  href: string;
  /** Where it leads, where its text does not say so by itself. */
  shown: string | undefined;
}

/**
 * Judges a link that somebody else wrote.
 *
 * ```ts
 * readTarget("https://evil.example", "your bank"); // { href: "https://evil.example/", shown: "evil.example" }
 * readTarget("javascript:alert(1)", "your bank"); // undefined
 * ```
 *
 * @param url as it was written
 * @param text what it is the target of
 * @returns the target; undefined where it is not of the web and no address for mail
 */
export function readTarget(url: string, text: string): Target | undefined {
  const target = parseUrl(url);
  if (target === undefined || !SCHEMES.has(target.protocol)) return undefined;
  const { href, host, protocol, pathname, username, password } = target;
  if (protocol === "mailto:") {
    const address = pathname;
    return { href, shown: text === address || text === href ? undefined : address };
  }
  const saysItself = host !== "" && hostOf(text) === host && username === "" && password === "";
  return { href, shown: saysItself ? undefined : host };
}

/** The host of a text that is an address itself. */
function hostOf(text: string): string | undefined {
  if (/\s/.test(text)) return undefined;
  return (/^[a-z]+:/i.test(text) ? parseUrl(text) : parseUrl(`https://${text}`))?.host;
}

function parseUrl(url: string): URL | undefined {
  // A control in it would be taken out without a word.
  // eslint-disable-next-line no-control-regex
  return /[\u0000-\u0020\u007f]/.test(url.trim()) || !URL.canParse(url) ? undefined : new URL(url);
}
