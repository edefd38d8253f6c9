/** Signals of the browser that refuse before anybody is asked. */

import type { Config } from "../core/config.ts";

interface Signals {
  readonly globalPrivacyControl?: boolean;
  readonly doNotTrack?: string | null;
}

/**
 * Tells whether the browser refuses statistics and marketing on the visitor's behalf.
 *
 * Source: W3C Global Privacy Control. A later choice of the visitor's own on this site goes before it.
 */
export function isRefusedBySignal(browser: Signals, config: Config): boolean {
  return !!(browser.globalPrivacyControl || (config.dnt && browser.doNotTrack === "1"));
}
