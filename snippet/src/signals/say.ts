/**
 * Tells the vendors' own tags what the visitor chose, in their words. Served only to sites that use one of them.
 *
 * Source: Google, "Set up consent mode on websites" (v2, seven keys); Microsoft, "UET consent mode"; Microsoft Clarity,
 * "Consent API v2". A page that loads such tags needs the inline default before them (docs/BANNER.md): this script
 * may come later.
 */

import type { Category, Config } from "../core/config.ts";
import type { Granted } from "../consent/choice.ts";

type Layer = { push(...entries: unknown[]): void } & Iterable<unknown>;

/** What the vendors' tags read. */
export interface Vendors {
  dataLayer?: Layer;
  uetq?: Layer;
  clarity?: { (...args: unknown[]): void; q?: unknown[] };
}

/** Returns the function that tells `granted`, null while nothing is known, to each vendor of the configuration. */
export function createSignals(config: Config, page: Vendors): (granted: Granted | null) => void {
  const uses = (vendor: "google" | "uet" | "clarity"): boolean => config.signals?.includes(vendor) === true;
  let told = "";

  /** Google reads the entries of its layer as the arguments of a call. */
  function google(..._args: unknown[]): void {
    (page.dataLayer ??= []).push(arguments);
  }

  function say(step: "default" | "update", granted: Granted): void {
    const state = (category: Category): string => (granted.includes(category) ? "granted" : "denied");
    const ads = state("marketing");
    if (uses("google"))
      google("consent", step, {
        ad_storage: ads,
        ad_user_data: ads,
        ad_personalization: ads,
        analytics_storage: state("statistics"),
        functionality_storage: state("preferences"),
        personalization_storage: state("preferences"),
        security_storage: "granted",
      });
    if (uses("uet")) (page.uetq ??= []).push("consent", step, { ad_storage: ads });
    if (uses("clarity")) {
      const clarity = (page.clarity ??= (...args: unknown[]) => void (clarity.q ??= []).push(args));
      clarity("consentv2", { ad_Storage: ads, analytics_Storage: state("statistics") });
    }
  }

  // The page's own default came before its tags; where there is none, ours is better than nothing.
  const had = [...(page.dataLayer ?? [])].some((entry) => {
    const [command, step] = Array.from(entry as ArrayLike<unknown>);
    return command === "consent" && step === "default";
  });
  if (!had) say("default", []);
  return (granted) => {
    const now = JSON.stringify(granted);
    if (granted && now !== told) say("update", granted);
    told = now;
  };
}
