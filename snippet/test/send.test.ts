import assert from "node:assert/strict";
import { test } from "node:test";
import { createTokens } from "../src/consent/token.ts";
import type { Post } from "../src/wire/post.ts";
import { type Basis, createSend } from "../src/wire/send.ts";
import { CONFIG, memoryBox, NOW } from "./world.ts";

const BATCH = { id: "b".repeat(32), visit: "v".repeat(32), events: ["a"] };
const LATER = "2026-05-26T12:00:00Z";
const REFUSED = new Headers({ "x-firmly-dropped": "no_consent=1" });

function start(token: string | null, answer: (path: string) => Response, basis: () => Basis = () => "consent") {
  const requests: { path: string; token: unknown; keepalive: unknown }[] = [];
  const post: Post = async (path, body, _credentials, keepalive) => {
    requests.push({ path, token: (body as { token?: string }).token, keepalive });
    return answer(path);
  };
  const tokens = createTokens(CONFIG.site, memoryBox(), memoryBox(), post, () => NOW, () => {});
  if (token) tokens.keep(token, LATER);
  return { send: createSend<string>(CONFIG.site, tokens, basis, post), tokens, requests };
}

function accepted(headers?: Headers): Response {
  return new Response(null, { status: 202, ...(headers && { headers }) });
}

for (const [status, headers, answer] of [
  [202, {}, undefined],
  [400, {}, undefined],
  [403, {}, undefined],
  [413, {}, undefined],
  [429, { "retry-after": "10" }, 10_000],
  [502, {}, 0],
  [503, { "retry-after": "7" }, 7000],
  [503, { "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT" }, 0],
] as const)
  test(`${status} ${JSON.stringify(headers)} means ${answer}`, async () => {
    const { send } = start("t", () => new Response(null, { status, headers }));
    assert.equal(await send(BATCH, true), answer);
  });

test("no network means to try again", async () => {
  const { send, requests } = start("t", () => {
    throw new TypeError("offline");
  });
  assert.equal(await send(BATCH, false), 0);
  assert.deepEqual(requests, [{ path: "/f/e", token: "t", keepalive: false }]);
});

test("each try carries the token of now, never that of an earlier try", async () => {
  const { send, tokens, requests } = start("old", () => new Response(null, { status: 503 }));
  await send(BATCH, true);
  tokens.keep("new", LATER);
  await send(BATCH, true);
  assert.deepEqual(requests.map(({ token }) => token), ["old", "new"]);
});

test("a token that ended is renewed before the try", async () => {
  const { send, tokens, requests } = start(null, (path) =>
    path === "/f/e" ? accepted() : Response.json({ token: "new", expires_at: LATER }),
  );
  tokens.keep("old", "2026-05-24T12:00:30Z");
  assert.equal(await send(BATCH, true), undefined);
  assert.deepEqual(requests.map(({ path, token }) => [path, token]), [["/f/c/token", undefined], ["/f/e", "new"]]);
});

test("a token that the collector does not take is renewed once", async () => {
  const { send, requests } = start("old", (path) =>
    path === "/f/e" ? accepted(REFUSED) : Response.json({ token: "new", expires_at: LATER }),
  );
  assert.equal(await send(BATCH, true), 0);
  assert.equal(await send(BATCH, true), undefined);
  assert.deepEqual(requests.map(({ path, token }) => [path, token]), [
    ["/f/e", "old"],
    ["/f/c/token", undefined],
    ["/f/e", "new"],
  ]);
});

test("what is not allowed any more is settled without a request", async () => {
  const { send, requests } = start("t", () => accepted(), () => null);
  assert.equal(await send(BATCH, true), undefined);
  assert.deepEqual(requests, []);
});

test("what a withdrawal forbids while the token is renewed is not sent", async () => {
  const bases: Basis[] = ["consent", null];
  const renewed = () => Response.json({ token: "new", expires_at: LATER });
  const { send, requests } = start(null, renewed, () => bases.shift() ?? null);
  assert.equal(await send(BATCH, true), undefined);
  assert.deepEqual(requests.map(({ path }) => path), ["/f/c/token"]);
});
