/** Makes elements without markup in strings, so that Trusted Types and a strict CSP have nothing to refuse. */

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  name: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  made.className = `firmly-${name}`;
  made.append(...children);
  return made;
}

/** Makes a button that says `text` and does `press`; it never submits a form. */
export function button(name: string, text: string, press: () => void): HTMLButtonElement {
  const made = element("button", name, text);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}
