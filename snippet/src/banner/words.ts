/** The texts in the page's language. */

import type { Config } from "../core/config.ts";

export interface Words {
  readonly language: string;
  /** Returns the text of a key, with the controller, the duration and the control's name filled in. */
  say(key: string): string;
}

/** Chooses the language: the page's `lang`, its first part, then the site's default. The device is not asked. */
export function chooseLanguage(page: string, config: Config): string {
  const wanted = page.toLowerCase();
  const found = [wanted, wanted.split("-", 1)[0] ?? "", config.default_language].find((name) => name in config.texts);
  return found ?? Object.keys(config.texts)[0] ?? "en";
}

export function createWords(page: string, config: Config): Words {
  const language = chooseLanguage(page, config);
  const texts = config.texts[language] ?? {};
  const format = new Intl.NumberFormat(language, { style: "unit", unit: "month", unitDisplay: "long" });
  const filled: Record<string, string | undefined> = {
    controller: config.controller,
    site: config.site,
    months: format.format(config.months),
    label: texts["label"],
  };
  return {
    language,
    say: (key) => (texts[key] ?? "").replace(/\{(\w+)\}/g, (_all, name: string) => filled[name] ?? ""),
  };
}
