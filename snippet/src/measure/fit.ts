/** Makes events fit what the collector takes, which drops an event for a value that does not (docs/WIRE.md). */

import type { Api } from "../core/config.ts";
import { readCampaign } from "./visit.ts";

export const MOST_URL = 4096;
export const MOST_TITLE = 512;
/** An entry as JSON. */
const PLAIN = /^\["[\w .:-]{1,64}",("[\w-]{1,64}"|[-\d].*|true|false)\]$/;

/** Leaves of the query of an address that is too long only what names a campaign. */
export function fitUrl(url: string): string {
  if (url.length <= MOST_URL) return url;
  const campaign = readCampaign(url).replace(/=(?=&|$)/g, "=1");
  return `${url.replace(/\?.*/, "").slice(0, MOST_URL / 2)}?${campaign}`.slice(0, MOST_URL);
}

/** Returns scheme and host: the collector keeps no more of a referrer. */
export function fitReferrer(url: string): string {
  return url.split("/", 3).join("/");
}

/** Cuts a title. Halves of characters, which the page or the cut may leave, are taken out: they are no UTF-8. */
export function fitTitle(title: string): string {
  return title.slice(0, MOST_TITLE).replace(/\p{Cs}/gu, "");
}

/** Tells whether a site can declare `name`, of a goal or a property, and `value` is a word, a number or a boolean. */
export function isPlain(entry: [name: string, value: unknown]): boolean {
  return PLAIN.test(JSON.stringify(entry));
}

/** Keeps what is plain: other text does not leave the page. */
export function fitProps(props: NonNullable<Parameters<Api["goal"]>[1]>): typeof props {
  return Object.fromEntries(Object.entries(props).filter(isPlain));
}
