import assert from "node:assert/strict";
import { test } from "node:test";
import { findChoice, parseChoice, refuse } from "../src/consent/choice.ts";
import { isRefusedBySignal } from "../src/consent/signal.ts";
import { choice, CONFIG, NOW, TODAY } from "./world.ts";

test("a choice of this site and banner is read", () => {
  assert.deepEqual(parseChoice(choice("statistics"), CONFIG, NOW), ["statistics"]);
  assert.deepEqual(parseChoice(choice("preferences-statistics-marketing"), CONFIG, NOW), [
    "preferences",
    "statistics",
    "marketing",
  ]);
  assert.deepEqual(parseChoice(choice("none"), CONFIG, NOW), []);
});

for (const [name, value] of Object.entries({
  empty: "",
  "another version": choice("none").replace("v1", "v2"),
  "another site": choice("none").replace(CONFIG.site, "other"),
  "another banner": choice("none").replace("abab", "cdcd"),
  "an unknown category": choice("statistics-sharing"),
  "a category twice": choice("statistics-statistics"),
  "none beside a category": choice("none-statistics"),
  "the day of expiry": choice("statistics", TODAY),
  "no day": choice("statistics").replace(/\d+$/, ""),
  "something before": ` ${choice("statistics")}`,
  "something after": `${choice("statistics")}.x`,
}))
  test(`no choice: ${name}`, () => assert.equal(parseChoice(value, CONFIG, NOW), null));

test("a choice ends with the first moment of its day of expiry", () => {
  const midnight = TODAY * 86_400_000;
  assert.deepEqual(parseChoice(choice("none", TODAY), CONFIG, midnight - 1), []);
  assert.equal(parseChoice(choice("none", TODAY), CONFIG, midnight), null);
});

test("a choice for an earlier banner with the same purposes stands", () => {
  const config = { ...CONFIG, banner: "cd".repeat(32), unchanged: ["ab".repeat(8)] };
  assert.deepEqual(parseChoice(choice("none"), config, NOW), []);
});

test("among several cookies the first valid one counts", () => {
  const cookies = `a=1; firmly_choice=old; firmly_choice=${choice("none")}; other_firmly=2`;
  assert.equal(findChoice(cookies, CONFIG, NOW), choice("none"));
  assert.equal(findChoice("a=1; firmly_choice=old", CONFIG, NOW), undefined);
});

test("a choice becomes a refusal of the same site, banner and expiry", () => {
  assert.equal(refuse(choice("preferences-statistics")), choice("none"));
  assert.equal(refuse(choice("none")), choice("none"));
});

test("Global Privacy Control refuses, Do Not Track where the site says so", () => {
  assert.equal(isRefusedBySignal({ globalPrivacyControl: true }, CONFIG), true);
  assert.equal(isRefusedBySignal({ doNotTrack: "1" }, CONFIG), false);
  assert.equal(isRefusedBySignal({ doNotTrack: "1" }, { ...CONFIG, dnt: true }), true);
  assert.equal(isRefusedBySignal({ doNotTrack: "0" }, { ...CONFIG, dnt: true }), false);
});
