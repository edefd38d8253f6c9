/**
 * The second layer, loaded when it is asked for: categories with their services, and the visitor's own record.
 *
 * `P` is what the collector writes before this module: texts and services in one language.
 */

import { button, element } from "../banner/element.ts";
import { applyStyle } from "../banner/style.ts";
import type { Words } from "../banner/words.ts";
import type { Category, Frame, Texts } from "../core/config.ts";
import { clearServices } from "./clear.ts";
import { createRecord } from "./record.ts";
import { createServices, type Service } from "./services.ts";
import css from "./style.css";

declare const P: { readonly texts: Texts; readonly services: readonly Service[] };

/** What to do with the visitor's answer. Closing is no answer. */
export interface Answers {
  save(granted: Category[]): void;
  accept(): void;
  reject(): void;
}

/** What this module exports. */
export interface Preferences {
  /** Opens the dialog inside `root`; it removes itself when it closes, and the browser puts the focus back. */
  open: typeof open;
  /** Removes what services of `categories` stored. */
  clear: typeof clear;
}

applyStyle(css);

function createOption(category: Category, checked: boolean, words: Words): [HTMLElement, HTMLInputElement] {
  const box = element("input", "box");
  box.type = "checkbox";
  box.checked = checked;
  const about = element("p", "about", words.say(`${category}_more`));
  about.id = `firmly-about-${category}`;
  box.setAttribute("aria-describedby", about.id);
  const label = element("label", "option-name", box, words.say(category));
  return [element("div", "option", label, about, ...createServices(P.services, category, words)), box];
}

function createNecessary(words: Words): HTMLElement {
  const { say } = words;
  const name = element("p", "option-name", say("necessary"), element("span", "always", say("always")));
  const about = element("p", "about", say("necessary_more"));
  return element("div", "option", name, about, ...createServices(P.services, "necessary", words));
}

/** Keeps Tab inside: without this it would leave a modal dialog for the browser's own controls. */
function holdFocus(dialog: HTMLElement): void {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const stops = [...dialog.querySelectorAll<HTMLElement>("button, input, summary, a")].filter((one) => one.offsetParent);
    const [from, to] = [stops[0], stops[stops.length - 1]];
    if (document.activeElement === (event.shiftKey ? from : to)) {
      event.preventDefault();
      (event.shiftKey ? to : from)?.focus();
    }
  });
}

export function open(
  root: HTMLElement,
  offered: readonly Category[],
  words: Words,
  answers: Answers,
  frame: Frame,
  parts: NonNullable<Frame["parts"]>,
): void {
  words.learn(P.texts);
  const { say } = words;
  const granted = parts.consent.granted();
  const options = offered.map((category) => createOption(category, granted?.includes(category) === true, words));
  const answer = (text: string, work: () => void): HTMLButtonElement =>
    button("answer", text, () => {
      dialog.close();
      work();
    });
  const save = (): void => answers.save(offered.filter((_category, index) => options[index]?.[1].checked));
  const close = button("close", "×", () => dialog.close());
  close.setAttribute("aria-label", say("close"));
  const title = element("h2", "title", say("label"));
  title.id = "firmly-title";
  const dialog = element(
    "dialog",
    "dialog",
    element("div", "head", title, close),
    element("div", "options", createNecessary(words), ...options.map(([option]) => option)),
    element("p", "note", say("duration")),
    createRecord(frame, parts, words, () => clear(offered, parts)),
    element(
      "div",
      "answers",
      answer(say("accept"), answers.accept),
      answer(say(granted?.length ? "withdraw" : "reject"), answers.reject),
      answer(say("save"), save),
    ),
  );
  dialog.setAttribute("aria-labelledby", title.id);
  dialog.addEventListener("close", () => dialog.remove());
  holdFocus(dialog);
  root.append(dialog);
  dialog.showModal();
}

export function clear(categories: readonly Category[], { consent }: NonNullable<Frame["parts"]>): void {
  clearServices(P.services, categories, (category) => consent.granted()?.includes(category as Category) === true);
}
