/** Builds the parts and ties them together: what core.js does when it is loaded. */

import { createConsent, type Consent } from "../consent/consent.ts";
import { isRefusedBySignal } from "../consent/signal.ts";
import { createMeasure, type Event } from "../measure/page.ts";
import { createVisits } from "../measure/visit.ts";
import { createPost, findCollector, type Post } from "../wire/post.ts";
import { type Batch, createQueue } from "../wire/queue.ts";
import { randomId } from "../wire/random.ts";
import { type Api, CATEGORIES, type Config, type Frame } from "./config.ts";
import { safely } from "./safely.ts";
import { createBox } from "./storage.ts";

type Later = (work: () => void, delayMs: number) => void;

/** What measuring rests on now; null where nothing may be measured. */
type Basis = "consent" | "company" | null;

function createSend(config: Config, consent: Consent, findBasis: () => Basis, post: Post) {
  const { tokens } = consent;
  /** Sends a batch. Answers true when it is settled, false when it should be tried again. */
  return async ({ id, visit, events }: Batch<Event>): Promise<boolean> => {
    const basis = findBasis();
    if (!basis) return true;
    let token: string | undefined;
    if (basis === "consent") {
      // Without `await` where a token is at hand: the last batch of a page must leave before the page does.
      token = tokens.current() ?? (await tokens.renew());
      if (findBasis() !== basis) return true;
      if (!token) return false;
    }
    try {
      const response = await post("/f/e", { site: config.site, batch: id, visit, token, events }, "omit");
      if (/no_consent/.test(response.headers.get("x-firmly-dropped") ?? "")) tokens.forget();
      return response.status < 500 && response.status !== 429;
    } catch {
      return false;
    }
  };
}

function createApi(consent: Consent, goal: Api["goal"]): Api {
  const state: Api["consent"] = () => {
    const granted = consent.granted();
    const entries = CATEGORIES.map((category) => [category, granted?.includes(category)]);
    return granted && { necessary: true, ...Object.fromEntries(entries) };
  };
  return {
    show() {}, // banner.js puts its own here.
    consent: state,
    on: (_event, listener) => consent.subscribe(() => listener(state())),
    goal: (name, props) => safely(() => goal(name, props)),
  };
}

function start(frame: Frame, page: typeof globalThis & { firmly?: Api }): void {
  // The script is on the page twice: the first one works.
  if (page.firmly) return;
  const script = document.currentScript as HTMLScriptElement | null;
  const post = createPost(findCollector(frame.collector, script?.src, location.origin));
  const session = createBox(() => sessionStorage);
  const later: Later = (work, delayMs) => void setTimeout(() => safely(work), delayMs);
  const local = createBox(() => localStorage);
  const refused = isRefusedBySignal(navigator, frame);
  const consent = createConsent(frame, document, session, local, post, Date.now, refused);
  const findBasis = (): Basis => {
    // Another tab may have withdrawn at any moment.
    consent.refresh();
    const granted = consent.granted();
    if (granted) return granted.includes("statistics") ? "consent" : null;
    return frame.before_consent === "company" ? "company" : null;
  };
  const visits = createVisits(session, () => findBasis() === "consent", Date.now, randomId);
  const queue = createQueue<Event>(createSend(frame, consent, findBasis, post), randomId, later, Math.random);
  const push: typeof queue.push = (visit, event) => findBasis() && queue.push(visit, event);
  const measure = createMeasure(frame, visits, { ...queue, push }, Date.now);

  function follow(): void {
    if (findBasis()) measure.start();
    else {
      measure.stop();
      queue.clear();
    }
  }
  consent.subscribe(follow);
  // Another tab may have changed the choice while this page was out of sight.
  for (const type of ["visibilitychange", "pageshow"]) addEventListener(type, () => safely(consent.refresh), true);
  const api = createApi(consent, measure.goal);
  frame.parts = { consent, post, local, api };
  page.firmly = api;
  // Not `follow`: before a choice not even the clearing of storage may touch the device.
  if (findBasis()) measure.start();
}

safely(() => start(F, globalThis));
