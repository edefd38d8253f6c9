/** The first layer: who asks for what, and the answers, of which accepting and refusing weigh the same. */

import type { Category, Config } from "../core/config.ts";
import { button, element } from "./element.ts";
import type { Words } from "./words.ts";

export interface Answers {
  accept(): void;
  reject(): void;
  choose(): void;
}

function createText(config: Config, offered: readonly Category[], words: Words, failed: boolean): HTMLElement {
  const { say } = words;
  const purposes = offered.map((category) =>
    element("li", "purpose", element("strong", "name", say(category)), ` – ${say(`${category}_about`)}`),
  );
  const last = element("p", "note", say("duration"));
  if (config.privacy_url) {
    const link = element("a", "link", say("policy"));
    link.href = config.privacy_url;
    last.append(" ", link);
  }
  const text = element("div", "text", element("p", "title", say("label")), element("p", "intro", say("intro")));
  text.append(element("ul", "purposes", ...purposes));
  if (config.before_consent === "company") text.append(element("p", "note", say("company_notice")));
  text.append(last);
  if (failed) {
    const alert = element("p", "alert", say("failed"));
    alert.setAttribute("role", "alert");
    text.prepend(alert);
  }
  return text;
}

export function createLayer(
  config: Config,
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
