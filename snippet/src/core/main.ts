/** Builds the parts and ties them together: what core.js does when it is loaded. */

import { createConsent } from "../consent/consent.ts";
import { isRefusedBySignal } from "../consent/signal.ts";
import { createMeasure, type Event } from "../measure/page.ts";
import { createVisits } from "../measure/visit.ts";
import { createPost, findCollector } from "../wire/post.ts";
import { createQueue } from "../wire/queue.ts";
import { randomId } from "../wire/random.ts";
import { type Basis, createSend } from "../wire/send.ts";
import type { Api, Frame } from "./config.ts";
import { safely } from "./safely.ts";
import { createBox } from "./storage.ts";

function start(frame: Frame, page: typeof globalThis & { firmly?: Pick<Api, "goal"> }): void {
  // The script is on the page twice: the first one works.
  if (page.firmly) return;
  const script = document.currentScript as HTMLScriptElement | null;
  const post = createPost(findCollector(frame.collector, script?.src, location.origin));
  const session = createBox(() => sessionStorage);
  const local = createBox(() => localStorage);
  const refused = isRefusedBySignal(navigator, frame);
  const consent = createConsent(frame, document, session, local, post, Date.now, refused);
  const findBasis = (): Basis => {
    // Another tab may have withdrawn at any moment.
    consent.reread();
    const granted = consent.granted();
    if (granted) return granted.includes("statistics") ? "consent" : null;
    return frame.before_consent === "company" ? "company" : null;
  };
  const visits = createVisits(session, () => findBasis() === "consent", Date.now, randomId);
  const send = createSend(frame.site, consent.tokens, findBasis, post);
  const queue = createQueue<Event>(send, randomId, setTimeout, Date.now, Math.random);
  const report: typeof queue.report = (visit, event) => findBasis() && queue.report(visit, event);
  const measure = createMeasure(frame, visits, { ...queue, report }, Date.now);

  function follow(): void {
    if (findBasis()) measure.start();
    else {
      measure.stop();
      queue.abandon();
    }
  }
  consent.listen(follow);
  // Another tab may have changed the choice while this page was out of sight.
  for (const type of ["visibilitychange", "pageshow"]) addEventListener(type, () => safely(consent.reread), true);
  const api = (page.firmly = { goal: (name, props) => safely(() => measure.goal(name, props)) } as Api);
  frame.parts = { consent, post, lasting: local, api };
  // Not `follow`: before a choice not even the clearing of storage may touch the device.
  if (findBasis()) measure.start();
}

safely(() => start(F, globalThis));
