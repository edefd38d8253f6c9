/** Puts style into the page in a way that a strict Content Security Policy allows. */

export function applyStyle(css: string): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    document.adoptedStyleSheets.push(sheet);
  } catch {
    // TRICKY: Safari before 16.4 cannot construct sheets, Chromium before 99 takes no push; there a policy without 'unsafe-inline' shows it plain.
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
  }
}
