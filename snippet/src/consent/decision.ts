/** A decision of the visitor's on its way into the record. Part of banner.js: only there decisions are made. */

import { CATEGORIES, type Category, type Config } from "../core/config.ts";
import type { Box } from "../core/storage.ts";
import type { Post } from "../wire/post.ts";
import { CHOICE_COOKIE, DAY_MS, type Granted, UNSENT } from "./choice.ts";
import type { Consent } from "./consent.ts";
import { RECEIPT } from "./token.ts";

const MOST_TRIES = 3;
/** A little long, so that a refusal never ends sooner than an acceptance; 13 of them are 396 days. */
const MONTH_DAYS = 30.5;

export type Action = "accept_all" | "reject_all" | "custom" | "withdraw" | "gpc" | "dnt";
export type Source = "banner" | "preferences" | "signal";

export interface Decisions {
  /** Whether a decision is being recorded. */
  pending(): boolean;
  /** Whether the last grant could not be recorded; without a record there is no consent. */
  failed(): boolean;
  /** Takes a decision. What it refuses ends at once, what it grants begins when the record is made. */
  decide(granted: Granted, action: Action, source: Source, language: string): void;
  /** Carries out a refusal or withdrawal whose page, or another tab, has not seen it recorded; where there is one that is not known. */
  resume(): void;
  /** Does not wait before trying again: the page is going away. */
  hurry(): void;
}

/** `POST /f/c`, answered with 201. */
interface Answer {
  readonly token: string | null;
  readonly expires_at?: string;
  readonly choice: string;
  readonly receipt?: string | null;
}

type Choices = Readonly<Record<string, boolean>>;

export function formChoices(granted: Granted): Choices {
  return { necessary: true, ...Object.fromEntries(CATEGORIES.map((category) => [category, granted.includes(category)])) };
}

/** Writes `choice` into the page's cookie until the day it expires. */
export function writeChoice(page: { cookie: string }, choice: string, nowMs: number): void {
  const seconds = Math.floor((+(choice.split(".")[4] as string) * DAY_MS - nowMs) / 1000);
  const secure = location.protocol === "https:" ? ";secure" : "";
  page.cookie = `${CHOICE_COOKIE}=${choice};path=/;max-age=${seconds};samesite=lax${secure}`;
}

/** `begun` is called at the first decision; what only a decision needs, such as listening to storage, waits for it. */
export function createDecisions(
  config: Config,
  consent: Consent,
  page: { cookie: string },
  local: Box,
  post: Post,
  now: () => number,
  later: (work: () => void, delayMs: number) => unknown,
  begun: () => void,
): Decisions {
  let decisions = 0;
  let pending = false;
  let failed = false;
  /** The choice that the cookie must hold; "" while nothing was decided here. */
  let choice = "";
  /** The mark of what is not sent, as the last decision left it. */
  let mark: string | null = null;
  /** What the decisions that are not through could still grant. */
  const open = new Set<Granted>();
  let recorded: Promise<unknown> = Promise.resolve();
  let hurry = (): void => {};

  /** The cookie of a collector on another host is not visible here, and a late answer sets an earlier one. */
  function writeCookie(): void {
    if (choice && !page.cookie.includes(`${CHOICE_COOKIE}=${choice}`)) writeChoice(page, choice, now());
  }

  /** Posts once. Answers null where it is refused for good, undefined where it should be tried again. */
  async function tell(body: object, decision: number): Promise<Answer | null | undefined> {
    try {
      const response = await post("/f/c", { ...body, receipt: local.recall(RECEIPT + config.site) ?? undefined }, "include");
      if (decision !== decisions) writeCookie();
      if (response.ok) {
        const answer: Answer = await response.json();
        // Also of an answer that no longer counts: the later decision belongs into the same record.
        if (answer.receipt) local.retain(RECEIPT + config.site, answer.receipt);
        return answer;
      }
      if (response.status < 500 && response.status !== 429) return null;
    } catch {
      // Not reachable: try again.
    }
    return undefined;
  }

  /** Tries until it is recorded, refused for good, or a later decision makes it pointless. */
  async function record(body: object, decision: number): Promise<Answer | null | undefined> {
    for (let tries = 1; decision === decisions; tries++) {
      const answer = await tell(body, decision);
      if (answer !== undefined || tries === MOST_TRIES) return answer;
      await new Promise<void>((resume) => {
        hurry = resume;
        later(resume, 1000 * tries);
      });
    }
    return undefined;
  }

  function settle(answer: Answer | null | undefined, grants: boolean): void {
    pending = false;
    if (answer) {
      // First forget: a renewal that left before this answer must not bring the earlier token back.
      consent.tokens.forget();
      consent.tokens.keep(answer.token, answer.expires_at);
      choice = answer.choice;
      writeCookie();
    }
    // Sent: the mark goes, unless another tab has decided since.
    if (answer !== undefined && local.recall(UNSENT) === mark) local.retain(UNSENT, null);
    // What was taken away stands even when the collector cannot be reached to write it down.
    failed = !answer && grants;
    consent.letGo(answer?.choice);
  }

  /** `kept` stands until `body` is recorded; `less`, where something is taken away, does not wait for its turn. */
  function commit(granted: Granted, kept: Granted | null, body: object, less?: object): void {
    if (!decisions) begun();
    const decision = ++decisions;
    const claim = [...granted];
    pending = true;
    failed = false;
    consent.hold(kept);
    // The page may close before the answer to an earlier decision. The collector orders by arrival, so that what
    // takes away is said at once, and again after that answer.
    const said = less && open.size ? tell(less, decision) : null;
    open.add(claim);
    recorded = recorded.then(async () => {
      const answer = await record(body, decision);
      open.delete(claim);
      if (decision === decisions) settle(answer, granted.length > (kept?.length ?? 0));
      await said;
    });
  }

  /** Ends at once what `text`, the mark, takes away; whatever becomes of the page, the mark will be sent. */
  function takeAway(granted: Granted, kept: Granted, body: object, text: string, less: object): void {
    mark = text;
    choice = text.split(" ", 1)[0] as string;
    local.retain(UNSENT, text);
    writeCookie();
    consent.tokens.forget();
    commit(granted, kept, body, less);
  }

  return {
    pending: () => pending,
    failed: () => failed,
    hurry: () => hurry(),
    decide(granted, action, source, language) {
      const has = (category: Category): boolean => granted.includes(category);
      const say = (chosen: Granted, exact: Action): object => {
        return { site: config.site, banner: config.banner, language, action: exact, choices: formChoices(chosen), source };
      };
      const before = consent.granted();
      const body = say(granted, action);
      // Before a choice there may be measuring without consent. What is on its way counts as granted.
      const endangered = [...open, before ?? (["statistics"] as const)].flat();
      if (granted.length && endangered.every(has)) {
        mark = local.recall(UNSENT);
        return commit(granted, before, body);
      }
      const kept = (before ?? []).filter(has);
      // What is granted along with it is not kept for later: without a record there is no consent.
      const less = kept.length === granted.length ? body : say(kept, "custom");
      // As the collector writes it; `kept` has the order of the standing choice, which is that of CATEGORIES.
      const day = Math.floor(now() / DAY_MS + config.months * MONTH_DAYS);
      const value = `v1.${config.site}.${kept.join("-") || "none"}.${config.banner.slice(0, 16)}.${day}`;
      takeAway(granted, kept, body, `${value} ${JSON.stringify(less)}`, less);
    },
    resume() {
      // Without a choice the device is not touched.
      if (!pending && !consent.jar().includes(CHOICE_COOKIE)) return;
      const found = local.recall(UNSENT);
      if (found === mark || !found?.startsWith(`v1.${config.site}.`)) return;
      const body = JSON.parse(found.slice(found.indexOf(" "))) as { choices: Choices };
      const kept = CATEGORIES.filter((category) => body.choices[category]);
      takeAway(kept, kept, body, found, body);
    },
  };
}
