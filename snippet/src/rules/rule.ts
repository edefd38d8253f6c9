/** Which rule holds where the visitor is: the strictest, unless the collector says in time that another does. */

import type { Consent } from "../consent/consent.ts";
import { CATEGORIES, type Frame } from "../core/config.ts";
import type { Post } from "../wire/post.ts";

export const PATIENCE_MS = 1000;

interface Answer {
  readonly rule?: string;
}

/**
 * Asks the collector, where no choice stands and no signal of the browser's refuses, and leaves in `frame` what it
 * found. Whatever goes wrong, or takes too long, leaves the strictest rule: the visitor is asked first.
 */
export function askForRule(
  frame: Frame,
  consent: Pick<Consent, "granted" | "reread" | "listen">,
  post: Post,
  later: (work: () => void, delayMs: number) => unknown,
): void {
  if (consent.granted()) return;
  const answered = post("/f/r", { site: frame.site }, "omit", false).then((response): Promise<Answer> => response.json());
  const late = new Promise<Answer>((resume) => later(() => resume({}), PATIENCE_MS));
  frame.ruled = Promise.race([answered, late])
    .then(({ rule }) => {
      // Another tab may have chosen meanwhile.
      consent.reread();
      if (rule === "inform" && !consent.granted()) frame.informed = frame.categories ?? CATEGORIES;
    })
    .catch(() => {});
  consent.listen(() => {
    // Once there is a choice nothing but a choice counts, also when it is lost.
    if (consent.granted()) frame.informed = undefined;
  });
}
