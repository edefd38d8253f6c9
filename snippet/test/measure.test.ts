import assert from "node:assert/strict";
import { test } from "node:test";
import { createAttention, LONGEST_PAUSE_MS } from "../src/measure/attention.ts";
import { createVisits, IDLE_MS, LONGEST_MS, readCampaign } from "../src/measure/visit.ts";
import { memoryBox, NOW } from "./world.ts";

function start(persists = true) {
  const clock = { now: NOW };
  const session = memoryBox();
  let ids = 0;
  const newId = (): string => (++ids).toString(16).padStart(32, "0");
  const open = () => createVisits(session, () => persists, () => clock.now, newId);
  return { clock, session, open };
}

test("a visit goes on over pages and page loads", () => {
  const { clock, open } = start();
  const first = open().enter("");
  clock.now += IDLE_MS;
  assert.equal(open().enter(""), first);
});

test("a visit ends after half an hour without activity", () => {
  const { clock, open } = start();
  const visits = open();
  const first = visits.enter("");
  clock.now += IDLE_MS;
  assert.equal(visits.touch(), true);
  clock.now += IDLE_MS + 1;
  assert.equal(visits.touch(), false);
  assert.notEqual(visits.enter(""), first);
});

test("a visit ends after a day, however active", () => {
  const { clock, open } = start();
  const visits = open();
  const first = visits.enter("");
  for (let passed = 0; passed <= LONGEST_MS; passed += IDLE_MS) {
    clock.now += IDLE_MS;
    visits.touch();
  }
  assert.notEqual(visits.enter(""), first);
});

test("another campaign is another visit; no campaign is not", () => {
  const { open } = start();
  const visits = open();
  const first = visits.enter("news mail may");
  assert.equal(visits.enter(""), first);
  assert.equal(visits.enter("news mail may"), first);
  assert.notEqual(visits.enter("news mail june"), first);
});

test("a visit that ended is forgotten on the device too", () => {
  const { session, open } = start();
  const visits = open();
  const first = visits.enter("");
  visits.quit();
  assert.equal(session.items.size, 0);
  assert.notEqual(visits.enter(""), first);
});

test("without consent the device keeps nothing and is not asked", () => {
  const { session, open } = start(false);
  session.retain("firmly_visit", `${"f".repeat(32)} ${NOW} ${NOW} `);
  const before = new Map(session.items);
  assert.equal(open().enter(""), "1".padStart(32, "0"));
  assert.deepEqual(session.items, before);
});

test("a stored visit that is not one is ignored", () => {
  const { session, open } = start();
  session.retain("firmly_visit", `${"g".repeat(32)} ${NOW} ${NOW} `);
  assert.equal(open().enter(""), "1".padStart(32, "0"));
});

test("a campaign is source, medium, name, and whether there was a click id", () => {
  assert.equal(readCampaign(""), "");
  assert.equal(readCampaign("?page=2"), "");
  assert.equal(readCampaign("?utm_source=news&utm_campaign=may&utm_content=x"), "utm_source=news&utm_campaign=may");
  assert.equal(readCampaign("?gclid=abc"), readCampaign("?gclid=xyz"));
  assert.notEqual(readCampaign("?gclid=abc"), "");
});

test("pauses count as reading up to a quarter of a minute", () => {
  const clock = { now: 0 };
  const attention = createAttention(() => clock.now);
  attention.gather(true);
  clock.now += 4000;
  attention.notice();
  clock.now += 600_000;
  attention.notice();
  clock.now += 1000;
  assert.equal(attention.gather(true), 4000 + LONGEST_PAUSE_MS + 1000);
  clock.now += 500;
  assert.equal(attention.gather(true), 500);
});

test("time out of sight does not count", () => {
  const clock = { now: 0 };
  const attention = createAttention(() => clock.now);
  attention.gather(true);
  clock.now += 3000;
  assert.equal(attention.gather(false), 3000);
  clock.now += 10_000;
  attention.notice();
  clock.now += 2000;
  assert.equal(attention.gather(false), 2000);
});
