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
  const script = document.currentScript;
  // The script is on the page twice: the first one works. An element of the page's can bear the script's name, and
  // would then choose where everything is sent.
  if (page.firmly || !(script instanceof HTMLScriptElement)) return;
  const post = createPost((frame.collector = findCollector(script)));
  const session = createBox(() => sessionStorage);
  const local = createBox(() => localStorage);
  const refused = isRefusedBySignal(navigator, frame);
  const consent = createConsent(frame, document, session, local, post, Date.now, refused);
  const basis = (): Basis => {
    const granted = consent.granted();
    if (granted) return granted.includes("statistics") ? "consent" : null;
    return frame.before_consent === "company" ? "company" : null;
  };
  const findBasis = (): Basis => {
    // Another tab may have withdrawn at any moment.
    consent.reread();
    return basis();
  };
  const visits = createVisits(session, () => findBasis() === "consent", Date.now, randomId);
  const send = createSend(frame.site, consent.tokens, findBasis, post);
  const queue = createQueue<Event>(send, randomId, setTimeout, Date.now, Math.random);
  const measure = createMeasure(frame, visits, queue, Date.now);

  function follow(): void {
    if (basis()) measure.begin();
    else {
      measure.quit();
      queue.abandon();
    }
  }
  consent.listen(follow);
  // Another tab may have changed the choice while this page was out of sight.
  for (const type of ["pageshow", "visibilitychange"]) addEventListener(type, () => safely(consent.reread), true);
  const api = (page.firmly = { goal: (name, props) => safely(() => measure.goal(name, props)) } as Api);
  frame.parts = { consent, post, lasting: local, api, carrier: script };
  // Not `follow`: before a choice not even the clearing of storage may touch the device.
  if (basis()) measure.begin();
}

safely(() => start(F, globalThis));
