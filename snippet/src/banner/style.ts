/** Puts the style into the page in a way that a strict Content Security Policy allows. */

import css from "./style.css";

export function applyStyle(): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  } catch {
    // TRICKY: Safari before 16.4 cannot construct sheets; there a policy without 'unsafe-inline' shows it plain.
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  }
}
