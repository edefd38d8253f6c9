/** The consent token that goes along with events. It is the same for all visitors with the same choice. */

import type { Box } from "../core/storage.ts";
import type { Post } from "../wire/post.ts";

const TOKEN = "firmly_token";
const SPARE_MS = 60_000;

/**
 * Where the receipt is kept when the collector is on another site, so that its cookie would not come back.
 * The site's key follows; only requests to `/f/c` carry it.
 */
export const RECEIPT = "firmly_receipt_";

export interface Tokens {
  /** Returns the token while it lasts for another minute. */
  current(): string | undefined;
  /** Asks for a new one. Answers undefined where the collector cannot be reached: try later. */
  renew(): Promise<string | undefined>;
  keep(token: string | null, expiresAt?: string): void;
  forget(): void;
}

/** `gone` is called when no consent stands behind the receipt any more. */
export function createTokens(
  site: string,
  session: Box,
  local: Box,
  post: Post,
  now: () => number,
  gone: () => void,
): Tokens {
  let held: string | null = null;
  let asking: Promise<string | undefined> | undefined;
  let withdrawals = 0;

  function current(): string | undefined {
    held ??= session.recall(TOKEN);
    const [expires, token] = (held ?? "").split(" ");
    return +(expires as string) > now() + SPARE_MS ? token : undefined;
  }

  function keep(token: string | null, expiresAt?: string): void {
    held = token && `${Date.parse(expiresAt as string)} ${token}`;
    session.retain(TOKEN, held);
  }

  async function ask(): Promise<string | undefined> {
    const before = withdrawals;
    try {
      const response = await post("/f/c/token", { site, receipt: local.recall(RECEIPT + site) ?? undefined }, "include");
      const answer = response.ok && (await response.json());
      // A withdrawal in the meantime goes before an answer that left earlier.
      if (before !== withdrawals) return;
      if (answer) keep(answer.token, answer.expires_at);
      else if (response.status === 404) gone();
    } catch {
      // Not reachable: the queue tries again.
    }
    asking = undefined;
    return current();
  }

  return {
    current,
    keep,
    renew: () => (asking ??= ask()),
    forget() {
      withdrawals++;
      asking = undefined;
      keep(null);
    },
  };
}
