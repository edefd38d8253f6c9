/** One try of one batch: on what basis it may go, with which token, and what the answer means. */

import type { Tokens } from "../consent/token.ts";
import type { Post } from "./post.ts";
import type { Batch } from "./queue.ts";

/** What measuring rests on now; null where nothing may be measured. */
export type Basis = "consent" | "company" | null;

/**
 * Makes the function that the queue sends with. It answers undefined when the batch is settled, else after how many
 * milliseconds at least to try again, 0 where the collector did not say.
 */
export function createSend<Event>(site: string, tokens: Tokens, findBasis: () => Basis, post: Post) {
  return async ({ id, visit, events }: Batch<Event>, keepalive: boolean): Promise<number | undefined> => {
    const basis = findBasis();
    if (!basis) return undefined;
    let held: string | undefined;
    let token: string | undefined;
    if (basis === "consent") {
      // Without `await` where a token is at hand: the last batch of a page must leave before the page does.
      token = (held = tokens.current()) ?? (await tokens.renew());
      if (findBasis() !== basis) return undefined;
      if (!token) return 0;
    }
    try {
      const { headers, status } = await post("/f/e", { site, batch: id, visit, token, events }, "omit", keepalive);
      // The clock of this device is behind, or the token's key is gone. One that was just renewed is not renewed again.
      if (held && headers.get("x-firmly-dropped")?.includes("no_consent")) {
        tokens.forget();
        return 0;
      }
      // 429 too: many people of one company share a network address, and nothing of a refused request was stored.
      return status > 499 || status === 429 ? +(headers.get("retry-after") as string) * 1000 || 0 : undefined;
    } catch {
      return 0;
    }
  };
}
