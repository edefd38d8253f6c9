/**
 * Colours as custom properties: the page's, else the site's, else ours; light and dark.
 *
 * They are set on our own elements only: on `:root` every element of the page would have to be styled anew.
 */

import type { Config, Texts } from "../core/config.ts";

const LIGHT: Texts = {
  surface: "#fff",
  text: "#1a1c1e",
  muted: "#5b5f66",
  border: "#dededa",
  accent: "#0b6b5b",
  "on-accent": "#fff",
};
const DARK: Texts = {
  surface: "#17191b",
  text: "#ebecec",
  muted: "#a1a6ac",
  border: "#3a3e43",
  accent: "#46c2a7",
  "on-accent": "#04211b",
};

function rule(scheme: "light" | "dark", own: Texts, config: Config): string {
  const all = Object.entries({ ...own, ...config.colours?.[scheme] });
  return `.firmly-root{color-scheme:${scheme};${all.map(([name, value]) => `--f-${name}:var(--firmly-${name},${value})`).join(";")}}`;
}

export function createPalette(config: Config): string {
  const dark = rule("dark", DARK, config);
  if (config.theme === "dark") return dark;
  const light = rule("light", LIGHT, config);
  return config.theme ? light : `${light}@media(prefers-color-scheme:dark){${dark}}`;
}
