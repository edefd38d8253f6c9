import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseLanguage, createWords } from "../src/banner/words.ts";
import { findCollector } from "../src/wire/post.ts";
import { type Batch, createQueue, LONGEST_MS, MOST_HELD, SHARE } from "../src/wire/queue.ts";
import { randomId } from "../src/wire/random.ts";
import { CONFIG, settle } from "./world.ts";

function start(answer: (batch: Batch<string>, keepalive: boolean) => number | undefined) {
  const sent: { batch: Batch<string>; keepalive: boolean }[] = [];
  const timers: { work: () => void; delayMs: number }[] = [];
  const clock = { now: 0 };
  let ids = 0;
  const queue = createQueue<string>(
    async (batch, keepalive) => {
      sent.push({ batch, keepalive });
      return answer(batch, keepalive);
    },
    () => `batch${++ids}`,
    (work, delayMs) => timers.push({ work, delayMs }),
    () => clock.now,
    () => 0.5,
  );
  /** Runs the next timer when it is due; answers how long it took. */
  async function fire(): Promise<number | undefined> {
    const timer = timers.shift();
    clock.now += timer?.delayMs ?? 0;
    timer?.work();
    await settle();
    return timer?.delayMs;
  }
  const sentIds = (): string[] => sent.map(({ batch }) => batch.id);
  return { queue, sent, timers, clock, fire, sentIds };
}

const settled = (): undefined => undefined;
const failing = (): number => 0;

test("events of one turn leave together, those of another visit apart", async () => {
  const { queue, sent, fire } = start(settled);
  queue.report("v1", "a");
  queue.report("v1", "b");
  queue.report("v2", "c");
  await fire();
  assert.deepEqual(
    sent.map(({ batch: { id, visit, events } }) => ({ id, visit, events })),
    [
      { id: "batch1", visit: "v1", events: ["a", "b"] },
      { id: "batch2", visit: "v2", events: ["c"] },
    ],
  );
});

test("a batch is tried again with the same id, later each time, and for five minutes at most", async () => {
  const { queue, fire, timers, clock, sentIds } = start(failing);
  queue.report("v1", "a");
  const delays: unknown[] = [];
  while (timers.length && delays.length < 20) delays.push(await fire());
  assert.deepEqual(delays, [0, 1250, 2500, 5000, 10_000, 20_000, 40_000, 80_000, 160_000]);
  assert.deepEqual(sentIds(), Array(8).fill("batch1"));
  assert.ok(clock.now > LONGEST_MS);
});

test("the collector's wish to wait is heard, and never beats the time that doubles", async () => {
  const wishes = [10_000, 1000, 0];
  const { queue, fire } = start(() => wishes.shift());
  queue.report("v1", "a");
  assert.deepEqual([await fire(), await fire(), await fire()], [0, 12_500, 2500]);
});

test("a wish beyond the time of a batch frees its place when that is over", async () => {
  const { queue, fire, sentIds } = start(() => 86_400_000);
  queue.report("v1", "a".repeat(MOST_HELD - SHARE - 2));
  await fire();
  assert.equal(await fire(), LONGEST_MS);
  queue.report("v1", "b");
  await fire();
  assert.deepEqual(sentIds(), ["batch1", "batch2"]);
});

test("a device that slept does not bring back what the collector may have forgotten", async () => {
  const { queue, fire, clock, sentIds } = start(failing);
  queue.report("v1", "a");
  await fire();
  clock.now += LONGEST_MS;
  await fire();
  assert.deepEqual(sentIds(), ["batch1"]);
});

test("every second try does without keepalive, the last of a page never", async () => {
  const { queue, fire, sent } = start(failing);
  queue.report("v1", "a");
  for (let count = 0; count < 4; count++) await fire();
  queue.hurry();
  await settle();
  queue.hurry();
  assert.deepEqual(sent.map(({ keepalive }) => keepalive), [true, false, true, false, true, true]);
});

test("all that is held fits into one request, and has room again when it is settled", async () => {
  const { queue, sent, fire } = start(settled);
  for (let count = 0; count < 100; count++) queue.report("v1", "\u20ac".repeat(100));
  await fire();
  const events = sent[0]?.batch.events ?? [];
  assert.deepEqual([events.length, new Blob([JSON.stringify(events)]).size < 60_000], [39, true]);
  queue.report("v1", "more");
  await fire();
  assert.deepEqual(sent[1]?.batch.events, ["more"]);
});

test("however short they are, no more than 50 events leave together", async () => {
  const { queue, sent, fire } = start(settled);
  for (let count = 0; count < 100; count++) queue.report("v1", "");
  await fire();
  assert.equal(sent[0]?.batch.events.length, 49);
});

test("after a withdrawal nothing leaves, neither what waited nor what would be tried again", async () => {
  const { queue, sentIds, fire } = start(failing);
  queue.report("v1", "a");
  await fire();
  queue.report("v1", "b");
  queue.abandon();
  queue.hurry();
  for (let count = 0; count < 3; count++) await fire();
  assert.deepEqual(sentIds(), ["batch1"]);
});

test("what fails after a withdrawal is not tried again and takes no room of what follows", async () => {
  const { queue, sentIds, timers, fire } = start(failing);
  queue.report("v1", "a".repeat(MOST_HELD - SHARE - 2));
  queue.hurry();
  queue.abandon();
  queue.report("v2", "b".repeat(MOST_HELD - SHARE - 2));
  await settle();
  await fire();
  await fire();
  assert.deepEqual([sentIds(), timers.length], [["batch1", "batch2"], 1]);
});

test("a flush sends in the same turn, also what rests, once", async () => {
  const { queue, sentIds, fire } = start(failing);
  queue.report("v1", "a");
  await fire();
  queue.report("v1", "b");
  queue.hurry();
  assert.deepEqual(sentIds(), ["batch1", "batch1", "batch2"]);
});

test("a flush leaves alone what the collector asked to hold back", async () => {
  const { queue, sentIds, fire } = start(() => 10_000);
  queue.report("v1", "a");
  await fire();
  queue.hurry();
  assert.deepEqual(sentIds(), ["batch1"]);
});

test("new events do not hurry what rests", async () => {
  const { queue, sentIds, timers } = start(failing);
  queue.report("v1", "a");
  timers.shift()?.work();
  await settle();
  queue.report("v1", "b");
  timers.pop()?.work();
  assert.deepEqual(sentIds(), ["batch1", "batch2"]);
});

test("the collector is where the script came from", () => {
  assert.equal(findCollector({ src: "https://c.example/f/k3y.js" }), "https://c.example");
  assert.equal(findCollector({ src: "https://www.example/in/f/k3y.js?v=1" }), "https://www.example/in");
  assert.equal(findCollector({ src: "" }), "");
});

test("ids are 128 bits in hexadecimal", () => {
  assert.match(randomId(), /^[0-9a-f]{32}$/);
  assert.notEqual(randomId(), randomId());
});

test("the page's language is used where there are texts, else the site's default", () => {
  const chosen = ["en", "en-GB", "pt-BR", "ja", "", "constructor"].map((page) => chooseLanguage(page, CONFIG));
  assert.deepEqual(chosen, ["en", "en", "pt-br", "fi", "fi", "fi"]);
});

test("texts are filled in", () => {
  const texts = { he: { label: "L", duration: "{controller}: {host}, {label}{unknown}" } };
  const words = createWords("he", { ...CONFIG, texts });
  assert.equal(words.say("duration", { host: "h" }), "Acme Oy: h, L");
  assert.equal(words.say("missing"), "");
});
