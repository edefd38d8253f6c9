/** Page views, reading and goals of one document, including the navigations of a single-page application. */

import type { Api, Config } from "../core/config.ts";
import { safely } from "../core/safely.ts";
import { createAttention } from "./attention.ts";
import { fitProps, fitReferrer, fitTitle, fitUrl, isPlain } from "./fit.ts";
import { readCampaign, type Visits } from "./visit.ts";

const LEAST_MS = 250;
const MARK_EVERY_MS = 1000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "scroll"];

export type Event =
  | { kind: "pageview"; url: string; referrer: string; title: string | undefined }
  | { kind: "engagement"; url: string; active_ms: number; scroll_pct: number }
  | { kind: "goal"; name: string; props: Parameters<Api["goal"]>[1] };

export interface Measure {
  /** Begins with a page view; does nothing where it has begun. */
  begin(): void;
  /** Ends without a last word. */
  quit(): void;
  goal: Api["goal"];
}

interface Sink {
  report(visit: string, event: Event): void;
  hurry(): void;
}

export function createMeasure(config: Config, visits: Visits, sink: Sink, now: () => number): Measure {
  const attention = createAttention(now);
  let running = false;
  let wired = false;
  /** The page that was counted, and the visit that it was counted in. */
  let url = "";
  let visit = "";
  /** Where the document is, which may differ by a query that a script replaced. */
  let place = "";
  let deepest = 0;
  let marked = 0;
  let away = false;

  const here = (): string => location.href.replace(/#.*/, "");

  function see(): void {
    deepest = Math.max(deepest, scrollY + innerHeight);
  }

  function view(referrer: string): void {
    place = here();
    url = fitUrl(place);
    visit = visits.enter(readCampaign(location.search));
    deepest = 0;
    away = false;
    attention.gather(!document.hidden);
    sink.report(visit, {
      kind: "pageview",
      url,
      referrer: fitReferrer(referrer),
      title: config.titles ? fitTitle(document.title) : undefined,
    });
  }

  function settle(goesOn: boolean): void {
    const active_ms = attention.gather(goesOn);
    if (active_ms < LEAST_MS) return;
    see();
    const percent = Math.round((deepest / document.documentElement.scrollHeight) * 100);
    sink.report(visit, { kind: "engagement", url, active_ms, scroll_pct: Math.min(100, percent) || 0 });
  }

  function move(counts: boolean): void {
    if (!running || here() === place) return;
    place = here();
    if (!counts) return;
    settle(true);
    view(location.origin);
  }

  /** Somebody is here. After a long absence this is a new visit, with a page view of its own. */
  function wake(): void {
    attention.notice();
    marked = now();
    if (!visits.touch()) view("");
  }

  /** A page that comes back from the back-forward cache is read again, without being loaded again. */
  function resume(): void {
    if (away) view(location.origin);
    else wake();
  }

  function hide(): void {
    settle(false);
    sink.hurry();
  }

  function patch(name: "pushState" | "replaceState"): void {
    const original = history[name];
    history[name] = function (this: History, ...parameters: Parameters<History["pushState"]>): void {
      const path = location.pathname;
      original.apply(this, parameters);
      safely(() => move(name === "pushState" || location.pathname !== path));
    };
  }

  /** Listens on the window, before the page's own listeners and whether or not they stop the event. */
  function listen(types: readonly string[], work: (event: globalThis.Event) => void): void {
    for (const type of types)
      addEventListener(type, (event) => safely(() => running && work(event)), true);
  }

  function wire(): void {
    wired = true;
    patch("pushState");
    patch("replaceState");
    listen(["popstate"], () => move(true));
    listen(["pagehide"], () => {
      hide();
      away = true;
    });
    listen(["pageshow", "visibilitychange"], () => (document.hidden ? hide() : resume()));
    listen(SIGNS, ({ type }) => {
      if (type === "scroll") see();
      if (now() - marked > MARK_EVERY_MS) wake();
    });
  }

  return {
    begin() {
      if (running) return;
      running = true;
      if (!wired) wire();
      const first = (): unknown => running && view(document.referrer);
      // A page that is rendered ahead has not been visited yet.
      if ((document as { prerendering?: boolean }).prerendering)
        document.addEventListener("prerenderingchange", () => safely(first));
      else first();
    },
    quit() {
      running = false;
      visits.quit();
    },
    goal(name, props) {
      if (running && visit && isPlain([name, true]))
        sink.report(visit, { kind: "goal", name, props: props && fitProps(props) });
    },
  };
}
