import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsent } from "../src/consent/consent.ts";
import { createDecisions } from "../src/consent/decision.ts";
import type { Config } from "../src/core/config.ts";
import { choice, collector, CONFIG, cookieJar, memoryBox, NOW, settle } from "./world.ts";

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
  const decisions = createDecisions(config, consent, page, local, post, () => NOW, later);
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
  const answers = [answer("statistics", "t"), answer("none", null)];
  const { consent, decisions, session, requests } = visitor(CONFIG, "", answers);
  decisions.decide(["statistics"], "accept_all", "banner", "en");
  await Promise.resolve();
  decisions.decide([], "withdraw", "preferences", "en");
  await settle();
  assert.deepEqual(requests.map(({ body }) => body["action"]), ["accept_all", "withdraw"]);
  assert.deepEqual(consent.granted(), []);
  assert.equal(consent.tokens.current(), undefined);
  assert.equal(session.items.size, 0);
});

test("a decision waits for the one before it, whose answer no longer counts", async () => {
  const page = cookieJar();
  const waiting: ((answer: object) => void)[] = [];
  const post = (): Promise<Response> =>
    new Promise((resolve) => waiting.push((body) => resolve(Response.json(body, { status: 201 }))));
  const box = memoryBox();
  const consent = createConsent(CONFIG, page, box, memoryBox(), post, () => NOW, false);
  const decisions = createDecisions(CONFIG, consent, page, memoryBox(), post, () => NOW, setImmediate);
  decisions.decide(["statistics"], "accept_all", "banner", "en");
  await settle();
  decisions.decide([], "withdraw", "preferences", "en");
  await settle();
  assert.equal(waiting.length, 1);
  waiting[0]?.(answer("statistics", "t"));
  await settle();
  assert.equal(waiting.length, 2);
  assert.deepEqual([consent.granted(), decisions.pending(), box.items.size], [[], true, 0]);
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
  const { consent, page } = visitor(CONFIG, choice("statistics"), [410]);
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
  consent.subscribe(() => changes++);
  page.cookie = `firmly_choice=${choice("none")}; path=/`;
  consent.refresh();
  consent.refresh();
  assert.deepEqual([consent.granted(), changes], [[], 1]);
});

test("a withdrawal in another tab drops the token here", () => {
  const { consent, page, session } = visitor(CONFIG, choice("statistics"), []);
  consent.tokens.keep("t", EXPIRES);
  page.cookie = `firmly_choice=${choice("none")}; path=/`;
  consent.refresh();
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
