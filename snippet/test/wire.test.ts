import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseLanguage, createWords } from "../src/banner/words.ts";
import { findCollector } from "../src/wire/post.ts";
import { type Batch, createQueue, MOST_EVENTS, MOST_TRIES } from "../src/wire/queue.ts";
import { randomId } from "../src/wire/random.ts";
import { CONFIG, settle } from "./world.ts";

function start(accepts: (batch: Batch<string>) => boolean) {
  const sent: Batch<string>[] = [];
  const timers: { work: () => void; delayMs: number }[] = [];
  let ids = 0;
  const queue = createQueue<string>(
    async (batch) => {
      sent.push(batch);
      return accepts(batch);
    },
    () => `batch${++ids}`,
    (work, delayMs) => timers.push({ work, delayMs }),
    () => 0.5,
  );
  async function fire(): Promise<number | undefined> {
    const timer = timers.shift();
    timer?.work();
    await settle();
    return timer?.delayMs;
  }
  return { queue, sent, timers, fire };
}

test("events of one turn leave together, those of another visit apart", async () => {
  const { queue, sent, fire } = start(() => true);
  queue.push("v1", "a");
  queue.push("v1", "b");
  queue.push("v2", "c");
  await fire();
  assert.deepEqual(sent, [
    { id: "batch1", visit: "v1", events: ["a", "b"] },
    { id: "batch2", visit: "v2", events: ["c"] },
  ]);
});

test("a batch is tried again with the same id, later each time, and not for ever", async () => {
  const { queue, sent, fire, timers } = start(() => false);
  queue.push("v1", "a");
  const delays = [await fire(), await fire(), await fire(), await fire(), await fire()];
  assert.deepEqual(delays, [0, 2000, 4000, 8000, 16000]);
  assert.deepEqual([sent.length, timers.length], [MOST_TRIES, 0]);
  assert.deepEqual(new Set(sent.map(({ id }) => id)), new Set(["batch1"]));
});

test("the queue holds so many events, and has room again when they are gone", async () => {
  const { queue, sent, fire } = start(() => true);
  for (let count = 0; count < MOST_EVENTS + 5; count++) queue.push("v1", String(count));
  await fire();
  assert.equal(sent[0]?.events.length, MOST_EVENTS);
  queue.push("v1", "more");
  await fire();
  assert.deepEqual(sent[1]?.events, ["more"]);
});

test("after a withdrawal nothing leaves, neither what waited nor what would be tried again", async () => {
  const { queue, sent, fire } = start(() => false);
  queue.push("v1", "a");
  await fire();
  queue.push("v1", "b");
  queue.clear();
  await fire();
  await fire();
  assert.equal(sent.length, 1);
});

test("a flush sends in the same turn", () => {
  const { queue, sent } = start(() => true);
  queue.push("v1", "a");
  queue.flush();
  assert.equal(sent.length, 1);
});

test("the collector is where the script came from, or what is configured", () => {
  assert.equal(findCollector("", "https://c.example/f/k3y.js", "https://www.example"), "https://c.example");
  assert.equal(findCollector("", "https://www.example/in/f/k3y.js?v=1", ""), "https://www.example/in");
  assert.equal(findCollector("https://own.example", "https://c.example/f/k3y.js", ""), "https://own.example");
  assert.equal(findCollector("", undefined, "https://www.example"), "https://www.example");
});

test("ids are 128 bits in hexadecimal", () => {
  assert.match(randomId(), /^[0-9a-f]{32}$/);
  assert.notEqual(randomId(), randomId());
});

test("the page's language is used where there are texts, else the site's default", () => {
  const chosen = ["en", "en-GB", "pt-BR", "ja", ""].map((page) => chooseLanguage(page, CONFIG));
  assert.deepEqual(chosen, ["en", "en", "pt-br", "fi", "fi"]);
});

test("texts are filled in", () => {
  const texts = { he: { label: "L", duration: "{controller}: {months}, {label}{unknown}" } };
  const words = createWords("he", { ...CONFIG, texts });
  assert.equal(words.direction, "rtl");
  assert.match(words.say("duration"), /^Acme Oy: .+, L$/);
  assert.equal(words.say("missing"), "");
});
