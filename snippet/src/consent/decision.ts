/** A decision of the visitor's on its way into the record. Part of banner.js: only there decisions are made. */

import type { Category, Config } from "../core/config.ts";
import type { Box } from "../core/storage.ts";
import type { Post } from "../wire/post.ts";
import { CHOICE_COOKIE, DAY_MS, findChoice, type Granted } from "./choice.ts";
import type { Consent } from "./consent.ts";
import { RECEIPT } from "./token.ts";

const MOST_TRIES = 3;
const MONTH_DAYS = 30;

export type Action = "accept_all" | "reject_all" | "custom" | "withdraw";
export type Source = "banner" | "preferences" | "api";

export interface Decisions {
  /** Whether a decision is being recorded. */
  pending(): boolean;
  /** Whether the last grant could not be recorded; without a record there is no consent. */
  failed(): boolean;
  /** Takes a decision. What it refuses ends at once, what it grants begins when the record is made. */
  decide(granted: Granted, action: Action, source: Source, language: string): void;
}

/** `POST /f/c`, answered with 201. */
interface Answer {
  readonly token: string | null;
  readonly expires_at?: string;
  readonly choice: string;
  readonly choice_expires_at: string;
  readonly receipt?: string | null;
}

export function createDecisions(
  config: Config,
  consent: Consent,
  page: { cookie: string },
  local: Box,
  post: Post,
  now: () => number,
  later: (work: () => void, delayMs: number) => void,
): Decisions {
  let decisions = 0;
  let pending = false;
  let failed = false;
  let recorded: Promise<void> = Promise.resolve();

  /** Tries until it is recorded, refused for good, or a later decision makes it pointless. */
  async function record(body: object, decision: number): Promise<Answer | null> {
    for (let tries = 1; decision === decisions; tries++) {
      try {
        const response = await post("/f/c", { ...body, receipt: local.read(RECEIPT + config.site) ?? undefined }, "include");
        if (response.ok) return await response.json();
        if (response.status < 500 && response.status !== 429) break;
      } catch {
        // Not reachable: try again.
      }
      if (tries === MOST_TRIES) break;
      await new Promise<void>((resume) => later(resume, 1000 * tries));
    }
    return null;
  }

  /** Where the collector is another host its cookie is not visible here: the page keeps one of its own. */
  function remember(value: string, expiresMs: number): void {
    if (findChoice(page.cookie, config, now()) !== value) {
      const expires = new Date(expiresMs).toUTCString();
      const secure = location.protocol === "https:" ? ";secure" : "";
      page.cookie = `${CHOICE_COOKIE}=${value};path=/;expires=${expires};samesite=lax${secure}`;
    }
    consent.release(value);
  }

  function settle(granted: Granted, answer: Answer | null): void {
    pending = false;
    if (answer) {
      consent.tokens.keep(answer.token, answer.expires_at);
      if (answer.receipt) local.write(RECEIPT + config.site, answer.receipt);
      remember(answer.choice, Date.parse(answer.choice_expires_at));
    } else if (granted.length) {
      failed = true;
      consent.release();
    } else {
      // A refusal stands even when the collector cannot be reached to write it down.
      const day = Math.floor(now() / DAY_MS) + config.months * MONTH_DAYS;
      remember(`v1.${config.site}.none.${config.banner.slice(0, 16)}.${day}`, day * DAY_MS);
    }
  }

  return {
    pending: () => pending,
    failed: () => failed,
    decide(granted, action, source, language) {
      const decision = ++decisions;
      const has = (category: Category): boolean => granted.includes(category);
      const { site, banner } = config;
      const choices = {
        necessary: true,
        preferences: has("preferences"),
        statistics: has("statistics"),
        marketing: has("marketing"),
      };
      pending = true;
      failed = false;
      consent.hold(consent.granted()?.filter(has) ?? (has("statistics") ? null : []));
      // One after the other, so that a withdrawal cannot overtake the acceptance before it.
      recorded = recorded.then(async () => {
        const answer = await record({ site, banner, language, action, choices, source }, decision);
        if (decision === decisions) settle(granted, answer);
      });
    },
  };
}
