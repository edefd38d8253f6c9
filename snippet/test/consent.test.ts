import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsent } from "../src/consent/consent.ts";
import { createDecisions } from "../src/consent/decision.ts";
import type { Config } from "../src/core/config.ts";
import { choice, collector, CONFIG, cookieJar, memoryBox, NOW, settle, TODAY } from "./world.ts";

const EXPIRES = "2026-05-26T12:00:00Z";

function answer(words: string, token: string | null): object {
  return { token, expires_at: EXPIRES, choice: choice(words), choice_expires_at: "2026-11-24T00:00:00Z", receipt: null };
}

function visitor(config: Config, cookie: string, answers: Parameters<typeof collector>, refused = false) {
  Object.assign(globalThis, { location: { protocol: "https:" } });
  const [session, local, page] = [memoryBox(), memoryBox(), cookieJar(cookie && `firmly_choice=${cookie}`)];
  const { post, requests } = collector(...answers);
  const consent = createConsent(config, page, session, local, post, () => NOW, refused);
  const later = (work: () => void): unknown => setImmediate(work);
  const decisions = createDecisions(config, consent, page, local, post, () => NOW, later, () => {});
  return { session, local, page, requests, consent, decisions };
}

test("a refusal stands at once, and its record follows", async () => {
  const { consent, decisions, requests, page } = visitor(CONFIG, "", [answer("none", null)]);
  decisions.decide([], "reject_all", "banner", "en");
  assert.deepEqual(consent.granted(), []);
  await settle();
  assert.deepEqual(requests[0]?.body["choices"], {
    necessary: true,
    preferences: false,
    statistics: false,
    marketing: false,
  });
  assert.equal(page.cookie, `firmly_choice=${choice("none")}`);
});

test("a grant stands when it is recorded, not before", async () => {
  const { consent, decisions } = visitor(CONFIG, "", [answer("statistics", "t")]);
  decisions.decide(["statistics"], "custom", "preferences", "en");
  assert.equal(consent.granted(), null);
  await settle();
  assert.deepEqual(consent.granted(), ["statistics"]);
  assert.equal(consent.tokens.current(), "t");
});

test("a grant that cannot be recorded is no consent", async () => {
  const { consent, decisions, requests } = visitor(CONFIG, "", [503, new TypeError("offline"), 503]);
  decisions.decide(["statistics"], "accept_all", "banner", "en");
  for (let turn = 0; turn < 9; turn++) await settle();
  assert.equal(requests.length, 3);
  assert.equal(decisions.failed(), true);
  assert.equal(consent.granted(), null);
});

test("a refusal that cannot be recorded is remembered all the same", async () => {
  const { decisions, page } = visitor(CONFIG, "", [400]);
  decisions.decide([], "reject_all", "banner", "en");
  await settle();
  assert.match(page.cookie, /^firmly_choice=v1\.k3yabcde\.none\.(ab){8}\.\d+$/);
});

test("a withdrawal drops the token at once and wins over an acceptance on its way", async () => {
  const answers = [answer("statistics", "t"), answer("none", null), answer("none", null)];
  const { consent, decisions, session, local, requests } = visitor(CONFIG, "", answers);
  decisions.decide(["statistics"], "accept_all", "banner", "en");
  await Promise.resolve();
  decisions.decide([], "withdraw", "preferences", "en");
  await settle();
  assert.deepEqual(requests.map(({ body }) => body["action"]), ["accept_all", "withdraw", "withdraw"]);
  assert.deepEqual(consent.granted(), []);
  assert.equal(consent.tokens.current(), undefined);
  assert.deepEqual([session.items.size, local.items.size], [0, 0]);
});

/** A page whose requests are answered by hand; `late` is an answer that sets the cookie, as the collector's does. */
function slowVisitor(cookie = "", boxes = { session: memoryBox(), local: memoryBox(), page: cookieJar() }) {
  Object.assign(globalThis, { location: { protocol: "https:" } });
  const { session, local, page } = boxes;
  if (cookie) page.cookie = `firmly_choice=${cookie}`;
  const bodies: Record<string, unknown>[] = [];
  const waiting: ((status: number, body?: object) => void)[] = [];
  const timers: (() => void)[] = [];
  const post = (_path: string, body: object): Promise<Response> =>
    new Promise((resolve) => {
      bodies.push(body as Record<string, unknown>);
      waiting.push((status, given) => resolve(given ? Response.json(given, { status }) : new Response(null, { status })));
    });
  const consent = createConsent(CONFIG, page, session, local, post, () => NOW, false);
  const decisions = createDecisions(CONFIG, consent, page, local, post, () => NOW, (work) => timers.push(work), () => {});
  async function late(index: number, words: string, token: string | null, receipt?: string): Promise<void> {
    page.cookie = `firmly_choice=${choice(words)}; path=/`;
    waiting[index]?.(201, { ...answer(words, token), receipt });
    await settle();
  }
  const actions = (): unknown[] => bodies.map(({ action }) => action);
  return { ...boxes, bodies, waiting, timers, consent, decisions, late, actions };
}

const REFUSED = /^firmly_choice=v1\.k3yabcde\.none\.(ab){8}\.\d+$/;

test("a withdrawal is kept before any request, and token and visit are gone", async () => {
  const { consent, decisions, page, local, session, bodies } = slowVisitor(choice("statistics"));
  consent.tokens.keep("t", EXPIRES);
  decisions.decide([], "withdraw", "preferences", "en");
  assert.equal(bodies.length, 0);
  assert.match(page.cookie, REFUSED);
  assert.match(local.items.get("firmly_unsent") ?? "", /^v1\.k3yabcde\.none\.\S+ \{.*"action":"withdraw"/);
  assert.equal(session.items.size, 0);
  await settle();
  assert.equal(bodies.length, 1);
});

test("less than was granted is kept at once too, and what is new is not", () => {
  const { consent, decisions, page, local } = slowVisitor(choice("statistics-marketing"));
  decisions.decide(["preferences", "statistics"], "custom", "preferences", "en");
  assert.deepEqual(consent.granted(), ["statistics"]);
  assert.match(page.cookie, /\.statistics\./);
  assert.match(local.items.get("firmly_unsent") ?? "", /"preferences":false,"statistics":true,"marketing":false/);
});

test("a refusal that is not recorded yet lasts as long as one that is", () => {
  const { decisions, page } = slowVisitor();
  decisions.decide([], "reject_all", "banner", "en");
  assert.equal(+(page.cookie.split(".").pop() ?? ""), TODAY + 183);
});

test("a refusal overtakes nothing and waits for nothing: it is said at once, and again after the acceptance", async () => {
  const { decisions, consent, page, local, session, actions, late } = slowVisitor();
  decisions.decide(["statistics"], "accept_all", "banner", "en");
  await settle();
  decisions.decide([], "withdraw", "preferences", "en");
  assert.deepEqual(actions(), ["accept_all", "withdraw"]);
  await late(1, "none", null);
  assert.equal(local.items.size, 1);
  await late(0, "statistics", "t", "r");
  assert.match(page.cookie, REFUSED);
  assert.deepEqual(actions(), ["accept_all", "withdraw", "withdraw"]);
  assert.deepEqual([consent.granted(), decisions.pending(), session.items.size], [[], true, 0]);
  await late(2, "none", null);
  assert.deepEqual([...local.items], [[`firmly_receipt_${CONFIG.site}`, "r"]]);
  assert.deepEqual([consent.granted(), decisions.pending()], [[], false]);
});

test("the refusal that follows goes into the record of the acceptance", async () => {
  const { decisions, bodies, late } = slowVisitor();
  decisions.decide(["statistics"], "accept_all", "banner", "en");
  await settle();
  decisions.decide([], "withdraw", "preferences", "en");
  await late(0, "statistics", "t", "r");
  assert.deepEqual([bodies[1]?.["receipt"], bodies[2]?.["receipt"]], [undefined, "r"]);
});

test("less than an acceptance on its way grants is taken away at once too", async () => {
  const { decisions, consent, page, late, actions } = slowVisitor();
  decisions.decide(["statistics", "marketing"], "accept_all", "banner", "en");
  await settle();
  decisions.decide(["statistics"], "custom", "preferences", "en");
  await late(0, "statistics-marketing", "t");
  assert.match(page.cookie, REFUSED);
  assert.deepEqual(actions(), ["accept_all", "custom", "custom"]);
  await late(2, "statistics", "s");
  assert.deepEqual([consent.granted(), consent.tokens.current()], [["statistics"], "s"]);
});

test("the next page sends first what this one could not, and removes the mark", async () => {
  const first = slowVisitor(choice("statistics"));
  first.decisions.decide([], "withdraw", "preferences", "en");
  await settle();
  // The answer to an earlier acceptance arrives when the page is gone.
  first.page.cookie = `firmly_choice=${choice("statistics")}; path=/`;
  const next = slowVisitor("", { session: memoryBox(), local: first.local, page: first.page });
  assert.deepEqual(next.consent.granted(), []);
  next.decisions.resume();
  assert.match(next.page.cookie, REFUSED);
  await settle();
  assert.deepEqual(next.bodies, first.bodies);
  await next.late(0, "none", null);
  assert.deepEqual([next.local.items.size, next.consent.granted()], [0, []]);
});

test("a refusal that meets no collector stays marked; one that the collector refuses for good does not", async () => {
  for (const [status, marks] of [[503, 1], [400, 0]] as const) {
    const { decisions, local, waiting, timers } = slowVisitor();
    decisions.decide([], "reject_all", "banner", "en");
    for (let turn = 0; turn < 4; turn++) {
      await settle();
      waiting.pop()?.(status);
      await settle();
      timers.pop()?.();
    }
    assert.deepEqual([local.items.size, decisions.pending(), decisions.failed()], [marks, false, false]);
  }
});

test("a page that goes away does not wait before it tries again", async () => {
  const { decisions, waiting, bodies } = slowVisitor();
  decisions.decide([], "reject_all", "banner", "en");
  await settle();
  waiting[0]?.(503);
  await settle();
  assert.equal(bodies.length, 1);
  decisions.hurry();
  await Promise.resolve();
  assert.equal(bodies.length, 2);
});

test("a later acceptance takes the mark away when it is recorded, not before", async () => {
  const { decisions, local, late, consent } = slowVisitor();
  decisions.decide([], "reject_all", "banner", "en");
  await settle();
  decisions.decide(["statistics"], "accept_all", "banner", "en");
  await late(0, "none", null);
  assert.deepEqual([local.items.size, consent.granted()], [1, []]);
  await late(1, "statistics", "t");
  assert.deepEqual([local.items.size, consent.granted()], [0, ["statistics"]]);
});

test("what another tab refused follows an acceptance that is on its way here", async () => {
  const here = slowVisitor();
  here.decisions.decide(["statistics"], "accept_all", "banner", "en");
  await settle();
  const there = slowVisitor("", { session: memoryBox(), local: here.local, page: here.page });
  there.decisions.decide([], "reject_all", "banner", "en");
  here.decisions.resume();
  await here.late(0, "statistics", "t");
  assert.deepEqual(here.actions(), ["accept_all", "reject_all", "reject_all"]);
  assert.match(here.page.cookie, REFUSED);
  assert.deepEqual(here.consent.granted(), []);
});

test("a mark of another site, or none, is not sent; without a choice nobody looks", async () => {
  const foreign = slowVisitor(choice("none"));
  foreign.local.retain("firmly_unsent", "v1.other.none.0.1 {}");
  foreign.decisions.resume();
  const nobody = slowVisitor();
  nobody.local.retain("firmly_unsent", `${choice("none")} {}`);
  nobody.decisions.resume();
  await settle();
  assert.deepEqual([foreign.bodies.length, nobody.bodies.length, nobody.page.cookie], [0, 0, ""]);
});

test("a renewal that finds the withdrawal of another tab leaves its refusal alone", async () => {
  const { consent, page } = visitor(CONFIG, choice("statistics"), [404]);
  const renewal = consent.tokens.renew();
  page.cookie = `firmly_choice=${choice("none")}; path=/`;
  await renewal;
  consent.reread();
  assert.deepEqual([page.cookie, consent.granted()], [`firmly_choice=${choice("none")}`, []]);
});

test("nothing is stored before a choice", () => {
  const { session, local, page, requests } = visitor(CONFIG, "", []);
  assert.deepEqual([session.items.size, local.items.size, page.cookie, requests.length], [0, 0, "", 0]);
});

test("a token is kept for the session and renewed when it is about to end", async () => {
  const { consent, session, requests } = visitor(CONFIG, choice("statistics"), [{ token: "t", expires_at: EXPIRES }]);
  assert.equal(consent.tokens.current(), undefined);
  assert.equal(await consent.tokens.renew(), "t");
  assert.equal(session.items.get("firmly_token"), `${Date.parse(EXPIRES)} t`);
  assert.deepEqual(requests[0], { path: "/f/c/token", body: { site: CONFIG.site, receipt: undefined }, credentials: "include" });
  consent.tokens.keep("t", "2026-05-24T12:00:30Z");
  assert.equal(consent.tokens.current(), undefined);
});

test("where no consent stands any more the visitor is asked again", async () => {
  const { consent, page } = visitor(CONFIG, choice("statistics"), [404]);
  await consent.tokens.renew();
  assert.equal(consent.granted(), null);
  assert.equal(page.cookie, "");
});

test("where no consent stands any more and a site measures before a choice, nothing is measured", async () => {
  const { consent, page } = visitor({ ...CONFIG, before_consent: "company" }, choice("statistics"), [404]);
  await consent.tokens.renew();
  assert.deepEqual(consent.granted(), []);
  assert.equal(page.cookie, `firmly_choice=${choice("none")}`);
});

test("a renewal that was overtaken by a withdrawal brings no token back", async () => {
  const { consent } = visitor(CONFIG, choice("statistics"), [{ token: "t", expires_at: EXPIRES }]);
  const renewal = consent.tokens.renew();
  consent.tokens.forget();
  assert.equal(await renewal, undefined);
  assert.equal(consent.tokens.current(), undefined);
});

test("what another tab chose is noticed, once", () => {
  const { consent, page } = visitor(CONFIG, "", []);
  let changes = 0;
  consent.listen(() => changes++);
  page.cookie = `firmly_choice=${choice("none")}; path=/`;
  consent.reread();
  consent.reread();
  assert.deepEqual([consent.granted(), changes], [[], 1]);
});

test("a withdrawal in another tab drops the token here", () => {
  const { consent, page, session } = visitor(CONFIG, choice("statistics"), []);
  consent.tokens.keep("t", EXPIRES);
  page.cookie = `firmly_choice=${choice("none")}; path=/`;
  consent.reread();
  assert.deepEqual([consent.granted(), consent.tokens.current(), session.items.size], [[], undefined, 0]);
});

test("the browser's signal refuses until the visitor says otherwise here", async () => {
  const { consent, decisions } = visitor(CONFIG, "", [answer("statistics", "t")], true);
  assert.deepEqual(consent.granted(), []);
  decisions.decide(["statistics"], "custom", "preferences", "en");
  assert.deepEqual(consent.granted(), []);
  await settle();
  assert.deepEqual(consent.granted(), ["statistics"]);
});

test("a receipt of a collector on another site is kept here and goes to the consent desk only", async () => {
  const given = { ...answer("statistics", "t"), receipt: "r" };
  const { decisions, local, requests } = visitor(CONFIG, "", [given, answer("none", null)]);
  decisions.decide(["statistics"], "accept_all", "banner", "en");
  await settle();
  assert.equal(local.items.get(`firmly_receipt_${CONFIG.site}`), "r");
  decisions.decide([], "withdraw", "preferences", "en");
  await settle();
  assert.deepEqual([requests[1]?.path, requests[1]?.body["receipt"]], ["/f/c", "r"]);
});
