/** The choice cookie: categories, banner version and expiry. It holds no id. */

import { CATEGORIES, type Category, type Config } from "../core/config.ts";

export const CHOICE_COOKIE = "firmly_choice";
/**
 * Where a decision that takes something away is kept until the collector has written it down (local storage):
 * `<choice as in the cookie> <body of the request>`. Meanwhile it goes before the cookie, which a late answer to an
 * earlier acceptance may set again.
 */
export const UNSENT = "firmly_unsent";
export const DAY_MS = 86_400_000;
const FORM = /^v1\.(\w+)\.([a-z-]+)\.(\w+)\.(\d{1,6})$/;

/** What the visitor granted beyond what is necessary; empty after a refusal. */
export type Granted = readonly Category[];

/**
 * Reads `v1.<site>.<categories>.<16 digits of the banner version>.<day of expiry>`.
 *
 * Answers null - no choice, so the visitor is asked - for anything that is not exactly that: another site, a
 * banner whose purposes were different, an unknown category, a day that has come.
 */
export function parseChoice(value: string, config: Config, nowMs: number): Granted | null {
  const [, site, words, banner, day] = FORM.exec(value) ?? [];
  if (site !== config.site || +(day as string) * DAY_MS <= nowMs) return null;
  if (![config.banner.slice(0, 16), ...config.unchanged].includes(banner as string)) return null;
  const names = words === "none" ? [] : (words as string).split("-");
  const granted = CATEGORIES.filter((category) => names.includes(category));
  return granted.length === names.length ? granted : null;
}

/** Returns the first valid value among the cookies: a page may see several of one name, from different paths. */
export function findChoice(cookies: string, config: Config, nowMs: number): string | undefined {
  return cookies
    .split(/; |firmly_choice=/)
    .find((value) => parseChoice(value, config, nowMs));
}

/** Turns a choice into a refusal of the same site, banner and expiry. */
export function refuse(value: string): string {
  return value.replace(/[^.]+(?=\.[^.]+\.\d+$)/, "none");
}
