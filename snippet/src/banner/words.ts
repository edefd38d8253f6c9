/** The texts in the page's language. */

import type { Config } from "../core/config.ts";

const RIGHT_TO_LEFT = /^(ar|dv|fa|he|ku|ps|sd|ug|ur|yi)\b/;

export interface Words {
  readonly language: string;
  readonly direction: "ltr" | "rtl";
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
    direction: RIGHT_TO_LEFT.test(language) ? "rtl" : "ltr",
    say: (key) => (texts[key] ?? "").replace(/\{(\w+)\}/g, (_all, name: string) => filled[name] ?? ""),
  };
}
