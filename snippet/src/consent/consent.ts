/** The visitor's choice as it stands, and who wants to know when it changes. */

import type { Config } from "../core/config.ts";
import { safely } from "../core/safely.ts";
import type { Box } from "../core/storage.ts";
import type { Post } from "../wire/post.ts";
import { CHOICE_COOKIE, findChoice, type Granted, parseChoice, refuse, UNSENT } from "./choice.ts";
import { createTokens, type Tokens } from "./token.ts";

export interface Consent {
  readonly tokens: Tokens;
  /** What the visitor or the browser's signal decided; empty after a refusal, null while there is no choice. */
  granted(): Granted | null;
  /** Reads the cookie again: another tab may have changed it, or it has expired. */
  reread(): void;
  /** The page's cookies as of the last look: to look costs, since the browser asks another process. */
  jar(): string;
  /** Lets `granted` stand, whatever the cookie says, until `letGo`: a decision is being recorded. */
  hold(granted: Granted | null): void;
  /** Ends `hold`; what stands is `value`, or without one what `hold` said. */
  letGo(value?: string): void;
  /** Calls `listener` after every change. */
  listen(listener: () => void): void;
}

/** `page` is the document, for its cookies; `refused` tells whether the browser's signal refuses. */
export function createConsent(
  config: Config,
  page: { cookie: string },
  session: Box,
  local: Box,
  post: Post,
  now: () => number,
  refused: boolean,
): Consent {
  const listeners: (() => void)[] = [];
  const tokens = createTokens(config.site, session, local, post, now, gone);
  let held = false;
  let jar: string;
  const parse = (choice: string): Granted | null => parseChoice(choice, config, now());
  /** Storage is looked at only where there is a choice. */
  const find = (): string => {
    const found = findChoice((jar = page.cookie), config, now()) ?? "";
    const unsent = found && (local.recall(UNSENT) ?? "").split(" ", 1)[0];
    return unsent && parse(unsent) ? unsent : found;
  };
  let value = find();
  let standing = parse(value);

  function change(granted: Granted | null): void {
    standing = granted;
    if (!granted?.includes("statistics")) tokens.forget();
    for (const listener of listeners) safely(listener);
  }

  /**
   * The record was withdrawn or erased elsewhere, or is lost. Where nothing is measured before a choice the
   * visitor is asked again; where something is, the safe reading is a refusal, for this session.
   */
  function gone(): void {
    // Withdrawn in another tab: its choice stands, and `reread` is about to find it.
    if (value !== find()) return;
    const refusal = config.before_consent === "company" ? refuse(value) : "";
    page.cookie = `${CHOICE_COOKIE}=${refusal};path=/${refusal ? "" : ";max-age=0"}`;
    value = refusal;
    change(parse(value));
  }

  return {
    tokens,
    jar: () => jar,
    granted: () => standing ?? (refused ? [] : null),
    reread() {
      // Where cookies are switched off nothing is ever found, and a choice lasts as long as the page.
      if (!held && value !== (value = find())) change(parse(value));
    },
    hold(granted) {
      held = true;
      change(granted);
    },
    letGo(recorded) {
      held = false;
      // What is visible counts as seen, so that only a later change of the cookie matters.
      value = find();
      change(recorded ? parse(recorded) : standing);
    },
    listen(listener) {
      listeners.push(listener);
    },
  };
}
