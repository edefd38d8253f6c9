/** What the collector writes into the script for one site, and how the script's two files meet. */

import type { Consent } from "../consent/consent.ts";
import type { Post } from "../wire/post.ts";
import type { Box } from "./storage.ts";

export type Category = "preferences" | "statistics" | "marketing";
export const CATEGORIES: readonly Category[] = ["preferences", "statistics", "marketing"];

/** The texts of one language, by key; `src/banner/texts/en.json` is the list of keys. */
export type Texts = Readonly<Record<string, string>>;

export interface Config {
  readonly site: string;
  /** 64 hexadecimal digits: the hash of texts, style and code that this visitor is shown. */
  readonly banner: string;
  /** Origin (and path) that requests go to; "" means where the script came from. */
  readonly collector: string;
  readonly before_consent: "wait" | "company";
  readonly controller: string;
  readonly privacy_url: string;
  /** Whether page titles are sent. */
  readonly titles: boolean;
  /** How long a choice is remembered: 1 to 13. */
  readonly months: number;
  readonly texts: Readonly<Record<string, Texts>>;
  readonly default_language: string;
  /** What is offered; absent means all three. */
  readonly categories?: readonly Category[];
  /** First 16 digits of earlier banner versions whose purposes are the same: their choices stand. */
  readonly unchanged?: readonly string[];
  /** Whether Do Not Track refuses like Global Privacy Control does. */
  readonly dnt?: boolean;
}

/** What pages may use, as `globalThis.firmly`. */
export interface Api {
  /** Opens the preferences. */
  show: () => void;
  /** Returns what the visitor granted, or null while there is no choice. */
  consent: () => Readonly<Record<string, boolean>> | null;
  /** Calls `listener` after every change. */
  on: (event: "change", listener: (consent: ReturnType<Api["consent"]>) => void) => void;
  /** Reports a goal; nothing happens where measuring is not allowed. */
  goal: (name: string, props?: Readonly<Record<string, string | number | boolean>>) => void;
}

/** The object that core.js and banner.js share: the site's configuration, and what core.js leaves for banner.js. */
export interface Frame extends Config {
  parts?: { readonly consent: Consent; readonly post: Post; readonly lasting: Box; readonly api: Api };
}
