import assert from "node:assert/strict";
import { test } from "node:test";
import { fitProps, fitReferrer, fitTitle, fitUrl, isPlain, MOST_TITLE, MOST_URL } from "../src/measure/fit.ts";

const SITE = "https://www.example.com";

test("an address that fits is sent as it is", () => {
  const url = `${SITE}/a?q=${"x".repeat(MOST_URL - SITE.length - 5)}`;
  assert.deepEqual([url.length, fitUrl(url)], [MOST_URL, url]);
});

test("of the query of an address that does not fit only the campaign is left", () => {
  const query = `q=${"x".repeat(MOST_URL)}&utm_source=news&utm_campaign=may&gclid=abc&myutm=1`;
  assert.equal(fitUrl(`${SITE}/a?${query}`), `${SITE}/a?utm_source=news&utm_campaign=may&gclid=1`);
});

test("whatever the address, it fits", () => {
  const long = "x".repeat(5000);
  for (const rest of [`/${long}`, `/${long}?${long}`, `/a?${`utm_source=${long}&`.repeat(3)}`])
    assert.ok(fitUrl(SITE + rest).length <= MOST_URL, rest.slice(0, 20));
  assert.match(fitUrl(`${SITE}/${long}?utm_source=news`), /xx\?utm_source=news$/);
});

test("a referrer is scheme and host", () => {
  assert.equal(fitReferrer("https://search.example/path?q=secret"), "https://search.example");
  assert.equal(fitReferrer("https://search.example"), "https://search.example");
  assert.equal(fitReferrer("android-app://com.example.search/"), "android-app://com.example.search");
  assert.equal(fitReferrer(""), "");
});

test("a title is cut, and never through a character", () => {
  assert.equal(fitTitle("Prices 😀"), "Prices 😀");
  assert.equal(fitTitle(`${"x".repeat(MOST_TITLE - 1)}😀`), "x".repeat(MOST_TITLE - 1));
  assert.equal(fitTitle("a\ud83d b\udc00"), "a b");
});

test("goals and properties that no site can declare stay in the page", () => {
  for (const name of ["signup", "Contact form: sent", "a.b-c_d"]) assert.equal(isPlain([name, true]), true, name);
  for (const name of ["", "x".repeat(65), "caf\u00e9", '"', "\ud83d"]) assert.equal(isPlain([name, true]), false, name);
  const props = { plan: "pro", seats: 3, price: -1.5, huge: 1e300, yes: true, no: false };
  assert.deepEqual(fitProps(props), props);
  const others = { text: "Jane Doe", mail: "a@b.example", none: NaN, endless: Infinity, nested: {}, list: [1], empty: null };
  assert.deepEqual(fitProps({ ...others, "": 1, ["x".repeat(65)]: 1, missing: undefined } as object as Record<string, 1>), {});
});
