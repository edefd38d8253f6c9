/** What the collector writes into the script for one site, and how the script's two files meet. */

import type { Granted } from "../consent/choice.ts";
import type { Consent } from "../consent/consent.ts";
import type { Post } from "../wire/post.ts";
import type { Box } from "./storage.ts";

export type Category = "preferences" | "statistics" | "marketing";
export const CATEGORIES: readonly Category[] = ["preferences", "statistics", "marketing"];

/** The texts of one language, by key; `src/banner/texts/en.json` is the list of keys of the first layer. */
export type Texts = Readonly<Record<string, string>>;

export interface Config {
  readonly site: string;
  /** 64 hexadecimal digits: the hash of texts, style and code that this visitor is shown. */
  readonly banner: string;
  /** Origin (and path) that requests go to: where the script came from, which core.js puts here. */
  collector: string;
  readonly before_consent: "wait" | "company";
  readonly controller: string;
  readonly privacy_url: string;
  /** Whether page titles are sent. */
  readonly titles: boolean;
  /** How long a choice is remembered: 6 to 13. */
  readonly months: number;
  readonly texts: Readonly<Record<string, Texts>>;
  readonly default_language: string;
  /** What is offered; absent means all three. */
  readonly categories?: readonly Category[];
  /** First 16 digits of earlier banner versions whose purposes are the same: their choices stand. */
  readonly unchanged: readonly string[];
  /** Whether Do Not Track refuses like Global Privacy Control does. */
  readonly dnt?: boolean;
  /** Vendors whose own consent signal is sent. */
  readonly signals?: readonly ("google" | "uet" | "clarity")[];
  /** Absent means a bar along the lower edge. */
  readonly position?: "corner" | "centre";
  /** Absent means what the device prefers. */
  readonly theme?: "light" | "dark";
  /** Custom properties, without `--firmly-`, that differ from ours. */
  readonly colours?: Readonly<Partial<Record<"light" | "dark", Texts>>>;
  /** Who receives what a category brings, as one text; absent where nobody but the controller does. */
  readonly providers?: Readonly<Partial<Record<Category, string>>>;
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

/** The object that the script's parts share: the site's configuration, and what one leaves for those after it. */
export interface Frame extends Config {
  /** Settles, and never fails, when the rule of the visitor's country is known, or is not waited for any longer. */
  ruled?: Promise<void>;
  /** What is on until the visitor chooses, less what they refused; absent where they are asked first. */
  informed?: Granted | undefined;
  parts?: { readonly consent: Consent; readonly post: Post; readonly lasting: Box; readonly api: Api; readonly carrier: HTMLScriptElement };
}
