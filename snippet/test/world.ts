/** What the tests share: a configuration, a box in memory, a collector that answers from a list. */

import type { Config } from "../src/core/config.ts";
import type { Box } from "../src/core/storage.ts";
import type { Post } from "../src/wire/post.ts";

export const NOW = Date.UTC(2026, 4, 24, 12);
export const TODAY = Math.floor(NOW / 86_400_000);

export const CONFIG: Config = {
  site: "k3yabcde",
  banner: "ab".repeat(32),
  collector: "",
  before_consent: "wait",
  controller: "Acme Oy",
  privacy_url: "",
  titles: false,
  months: 6,
  texts: { en: { label: "Privacy choices" }, "pt-br": { label: "L" }, fi: { label: "L" } },
  default_language: "fi",
  unchanged: [],
};

export function choice(words: string, day = TODAY + 1): string {
  return `v1.${CONFIG.site}.${words}.${"ab".repeat(8)}.${day}`;
}

export function memoryBox(): Box & { readonly items: Map<string, string> } {
  const items = new Map<string, string>();
  return {
    items,
    recall: (key) => items.get(key) ?? null,
    retain: (key, value) => void (value === null ? items.delete(key) : items.set(key, value)),
  };
}

export interface Request {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly credentials: RequestCredentials;
}

/** A document's cookies: assigning sets one, an empty value with `max-age=0` removes it. */
export function cookieJar(cookie = ""): { cookie: string } {
  const jar = new Map(cookie ? [cookie.split("=") as [string, string]] : []);
  return {
    get cookie() {
      return [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    },
    set cookie(text: string) {
      const [name = "", value = ""] = (text.split(";")[0] ?? "").split("=");
      if (text.includes("max-age=0")) jar.delete(name);
      else jar.set(name, value);
    },
  };
}

/** Answers one after the other; a number is a status without a body, an Error a broken connection. */
export function collector(...answers: (number | Error | object)[]): { post: Post; requests: Request[] } {
  const requests: Request[] = [];
  const post: Post = async (path, body, credentials) => {
    requests.push({ path, body: body as Record<string, unknown>, credentials });
    const answer = answers.shift() ?? 202;
    if (answer instanceof Error) throw answer;
    return typeof answer === "number" ? new Response(null, { status: answer }) : Response.json(answer, { status: 201 });
  };
  return { post, requests };
}

/** Lets promises that are ready run. */
export const settle = (): Promise<void> => new Promise((resume) => setImmediate(resume));
