/** The texts in the page's language. */

import type { Config, Texts } from "../core/config.ts";

export interface Words {
  readonly language: string;
  /** Returns the text of a key, with the controller, the control's name and `more` filled in. */
  say(key: string, more?: Readonly<Record<string, string>>): string;
  /** Adds texts: those of the preferences come when they are opened. */
  learn(texts: Texts): void;
}

/**
 * Chooses the language: the page's `lang`, its first part, then the site's default. The device is not asked.
 * Both written forms of Norwegian read the texts of `no`.
 */
export function chooseLanguage(page: string, config: Config): string {
  const wanted = page.toLowerCase().replace(/^n[bn]\b/, "no");
  return [wanted, wanted.split("-", 1)[0] as string].find((name) => config.texts[name]?.["label"]) ?? config.default_language;
}

export function createWords(page: string, config: Config): Words {
  const language = chooseLanguage(page, config);
  const texts: Record<string, string> = { ...config.texts[language] };
  const filled: Record<string, string | undefined> = {
    controller: config.controller,
    label: texts["label"],
  };
  return {
    language,
    // Without an expression: the first one of a page costs more than all of this.
    say: (key, more) =>
      (texts[key] ?? "")
        .split("{")
        .reduce((all, part) => {
          const end = part.indexOf("}");
          return all + ({ ...filled, ...more }[part.slice(0, end)] ?? "") + part.slice(end + 1);
        }),
    learn: (added) => void Object.assign(texts, added),
  };
}
