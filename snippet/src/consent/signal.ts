/** Signals of the browser that refuse before anybody is asked. */

import type { Config } from "../core/config.ts";

interface Signals {
  readonly globalPrivacyControl?: boolean;
  readonly doNotTrack?: string | null;
}

/**
 * Tells whether the browser refuses statistics and marketing on the visitor's behalf.
 *
 * Where the request for this script said so, the collector puts that in the place of `navigator` (README.md).
 *
 * Source: W3C Global Privacy Control. A later choice of the visitor's own on this site goes before it.
 */
export function isRefusedBySignal(browser: Signals, config: Config): boolean {
  return !!(browser.globalPrivacyControl || (config.dnt && browser.doNotTrack === "1"));
}
