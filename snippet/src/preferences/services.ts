/** What each service of a category is for, who is behind it, what it stores and for how long. */

import { element } from "../banner/element.ts";
import type { Words } from "../banner/words.ts";
import type { Category } from "../core/config.ts";

type Storage = "cookie" | "local" | "session" | "indexed_db";

/** A name, which may end in `*`, where it is kept, and for how many days; null means until the tab is closed. */
export type Stored = readonly [name: string, kind: Storage, days: number | null];

export interface Service {
  readonly category: Category | "necessary";
  readonly name: string;
  readonly provider: string;
  readonly purpose: string;
  /** Why the site cannot do without it; only where it is necessary. */
  readonly reason?: string;
  readonly privacy_url: string;
  readonly stores: readonly Stored[];
}

function createService({ name, provider, purpose, reason, privacy_url, stores }: Service, words: Words): HTMLElement {
  const { say, language } = words;
  const days = new Intl.NumberFormat(language, { style: "unit", unit: "day", unitDisplay: "long" });
  const rows = stores.map(([item, kind, kept]) => {
    const time = kept === null ? say("until_closed") : say("kept", { days: days.format(kept) });
    return element("li", "stored", element("code", "code", item), ` – ${say(kind)}, ${time}`);
  });
  const service = element(
    "div",
    "service",
    element("p", "name", name),
    element("p", "about", reason ? `${purpose} ${reason}` : purpose),
    element("p", "about", say("provider", { name: provider })),
    element("ul", "stores", ...rows),
  );
  if (privacy_url) {
    const link = element("a", "link", say("policy_of", { name: provider }));
    link.href = privacy_url;
    service.append(element("p", "about", link));
  }
  return service;
}

/** Returns nothing where a category has no service. */
export function createServices(services: readonly Service[], category: string, words: Words): HTMLElement[] {
  const own = services.filter((service) => service.category === category);
  if (!own.length) return [];
  const summary = element("summary", "summary", `${words.say("services")} (${own.length})`);
  return [element("details", "details", summary, ...own.map((service) => createService(service, words)))];
}
