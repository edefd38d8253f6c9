/** What is asked of the collector before a choice where a site has rules for countries, and what counts as an answer. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createConsent } from "../src/consent/consent.ts";
import type { Frame } from "../src/core/config.ts";
import { askForRule, PATIENCE_MS } from "../src/rules/rule.ts";
import { choice, collector, CONFIG, cookieJar, memoryBox, NOW } from "./world.ts";

const INFORM = { rule: "inform" };

/** A page of a site with rules for countries whose collector answers `answer`; `cookie` may hold a choice. */
function open(answer: number | Error | object, cookie = "", refused = false) {
  const jar = cookieJar(cookie);
  const { post, requests } = collector(answer);
  const consent = createConsent(CONFIG, jar, memoryBox(), memoryBox(), post, () => NOW, refused);
  const frame: Frame = { ...CONFIG, categories: ["statistics", "marketing"] };
  const waits: [() => void, number][] = [];
  return { jar, consent, frame, waits, requests, ask: () => askForRule(frame, consent, post, (...wait) => waits.push(wait)) };
}

test("what is offered is on where the collector says that informing is enough", async () => {
  const { frame, consent, requests, ask } = open(INFORM);
  ask();
  await frame.ruled;
  assert.deepEqual(frame.informed, ["statistics", "marketing"]);
  assert.equal(consent.granted(), null);
  assert.deepEqual(requests, [{ path: "/f/r", body: { site: CONFIG.site }, credentials: "omit" }]);
});

for (const [about, answer] of [
  ["says to ask", { rule: "ask" }],
  ["says something unknown", { rule: "sell" }],
  ["refuses", 429],
  ["is out of reach", new Error("no network")],
] as const)
  test(`visitors are asked first where the collector ${about}`, async () => {
    const { frame, ask } = open(answer);
    ask();
    await frame.ruled;
    assert.equal(frame.informed, undefined);
  });

test("an answer that comes too late does not count", async () => {
  const { frame, consent, waits } = open(INFORM);
  let answer = (_response: Response): void => {};
  const slow = () => new Promise<Response>((resume) => (answer = resume));
  askForRule(frame, consent, slow, (...wait) => waits.push(wait));
  assert.equal(waits[0]?.[1], PATIENCE_MS);
  waits[0]?.[0]();
  await frame.ruled;
  answer(Response.json(INFORM));
  await new Promise((resume) => setTimeout(resume));
  assert.equal(frame.informed, undefined);
});

test("nothing is asked where a choice stands or the browser refuses", () => {
  for (const page of [open(INFORM, `firmly_choice=${choice("none")}`), open(INFORM, "", true)]) {
    page.ask();
    assert.equal(page.frame.ruled, undefined);
    assert.equal(page.requests.length, 0);
  }
});

test("a choice of another tab goes before the answer", async () => {
  const { frame, jar, ask } = open(INFORM);
  ask();
  jar.cookie = `firmly_choice=${choice("none")}`;
  await frame.ruled;
  assert.equal(frame.informed, undefined);
});

test("after a choice nothing is on without one, also when the choice is lost", async () => {
  const { frame, jar, consent, ask } = open(INFORM);
  ask();
  await frame.ruled;
  jar.cookie = `firmly_choice=${choice("marketing")}`;
  consent.reread();
  assert.equal(frame.informed, undefined);
  jar.cookie = "firmly_choice=;max-age=0";
  consent.reread();
  assert.equal(consent.granted(), null);
  assert.equal(frame.informed, undefined);
});
