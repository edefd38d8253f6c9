/** What vendors' tags are told, and the record of what a browser refuses by itself. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createSignals, type Vendors } from "../src/signals/say.ts";
import { CONFIG } from "./world.ts";

type Call = [string, string, Record<string, string>];

function google(page: Vendors): Call[] {
  return [...(page.dataLayer ?? [])].map((entry) => Array.from(entry as ArrayLike<unknown>) as Call);
}

test("nothing is said to vendors that the site does not use", () => {
  const page: Vendors = {};
  createSignals(CONFIG, page)(["statistics"]);
  assert.deepEqual(page, {});
});

test("Google hears a default of seven keys and an update by category", () => {
  const page: Vendors = {};
  const tell = createSignals({ ...CONFIG, signals: ["google"] }, page);
  tell(null);
  tell(["statistics"]);
  const [first, second, ...more] = google(page);
  assert.deepEqual(first?.slice(0, 2), ["consent", "default"]);
  assert.deepEqual(second, [
    "consent",
    "update",
    {
      ad_storage: "denied",
      ad_user_data: "denied",
      ad_personalization: "denied",
      analytics_storage: "granted",
      functionality_storage: "denied",
      personalization_storage: "denied",
      security_storage: "granted",
    },
  ]);
  assert.deepEqual(Object.keys(first?.[2] ?? {}), Object.keys(second[2]));
  assert.ok(Object.entries(first?.[2] ?? {}).every(([key, state]) => state === (key === "security_storage" ? "granted" : "denied")));
  assert.deepEqual(more, []);
});

test("the page's own default is not followed by a second one", () => {
  const layer: unknown[] = [];
  (function (..._args: unknown[]) {
    layer.push(arguments);
  })("consent", "default", {});
  const page: Vendors = { dataLayer: layer };
  createSignals({ ...CONFIG, signals: ["google"] }, page)(null);
  assert.equal(layer.length, 1);
});

test("the same choice is told once, a withdrawal at once", () => {
  const page: Vendors = {};
  const tell = createSignals({ ...CONFIG, signals: ["google", "uet", "clarity"] }, page);
  for (const granted of [["marketing"], ["marketing"], []] as const) tell(granted);
  assert.deepEqual(
    google(page).map(([, step, state]) => `${step} ${state["ad_storage"]}`),
    ["default denied", "update granted", "update denied"],
  );
  assert.deepEqual([...(page.uetq ?? [])], [
    ...["consent", "default", { ad_storage: "denied" }],
    ...["consent", "update", { ad_storage: "granted" }],
    ...["consent", "update", { ad_storage: "denied" }],
  ]);
  assert.deepEqual(page.clarity?.q?.at(-1), ["consentv2", { ad_Storage: "denied", analytics_Storage: "denied" }]);
});
