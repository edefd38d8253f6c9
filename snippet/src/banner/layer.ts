/** The first layer: who asks for what, and the answers, of which accepting and refusing weigh the same. */

import type { Category, Frame } from "../core/config.ts";
import { button, element } from "./element.ts";
import type { Words } from "./words.ts";

export interface Answers {
  accept(): void;
  reject(): void;
  choose(): void;
}

function createText(config: Frame, offered: readonly Category[], words: Words, failed: boolean): HTMLElement {
  const { say } = words;
  const purposes = offered.map((category) => {
    const providers = config.providers?.[category];
    const about = ` – ${say(`${category}_about`)}${providers ? `. ${say("recipients", { providers })}` : ""}`;
    return element("li", "purpose", element("strong", "name", say(category)), about);
  });
  const last = element("p", "note", say("duration"));
  if (config.privacy_url) {
    const link = element("a", "link", say("policy"));
    link.href = config.privacy_url;
    last.append(" ", link);
  }
  const text = element("div", "text", element("p", "title", say("label")), element("p", "intro", say("intro")));
  text.append(element("ul", "purposes", ...purposes));
  // What is on before a choice; the collector sends these texts where they can hold.
  for (const notice of [say("company_notice"), config.informed && say("inform_notice")])
    if (notice) text.append(element("p", "note", notice));
  text.append(last);
  if (failed) {
    const alert = element("p", "title", say("failed"));
    alert.setAttribute("role", "alert");
    text.prepend(alert);
  }
  return text;
}

export function createLayer(
  config: Frame,
  offered: readonly Category[],
  words: Words,
  failed: boolean,
  answers: Answers,
): HTMLElement {
  return element(
    "div",
    "layer",
    createText(config, offered, words, failed),
    element(
      "div",
      "answers",
      button("answer", words.say("accept"), answers.accept),
      button("answer", words.say("reject"), answers.reject),
      button("quiet", words.say("choose"), answers.choose),
    ),
  );
}

/** What our style applies to: nothing outside it is touched. */
export function createRoot(tag: "section" | "div", words: Words, ...children: Node[]): HTMLElement {
  const root = element(tag, "root", ...children);
  root.lang = words.language;
  root.dir = "auto";
  return root;
}

/** What stands in the place of a frame that is held back: who would be asked, and the ways to see it; `allow` false where its category is not asked for. */
export function createPlace(
  host: string,
  category: Category,
  words: Words,
  once: () => void,
  allow: (() => void) | false,
): HTMLElement {
  const { say } = words;
  const about = element("p", "note", say("held", { host }));
  const allowing = allow ? [button("quiet", say("allow", { category: say(category) }), allow)] : [];
  return createRoot("div", words, element("div", "held", about, button("answer", say("once"), once), ...allowing));
}
