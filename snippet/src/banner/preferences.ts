/** The second layer: one box per category, in a modal dialog. Nothing is ticked but what the visitor granted. */

import type { Category } from "../core/config.ts";
import type { Granted } from "../consent/choice.ts";
import { button, element } from "./element.ts";
import type { Words } from "./words.ts";

/** What to do with the visitor's answer. Closing is no answer. */
export interface Preferences {
  save(granted: Category[]): void;
  accept(): void;
  reject(): void;
}

function createOption(category: Category, checked: boolean, words: Words): [HTMLElement, HTMLInputElement] {
  const box = element("input", "box");
  box.type = "checkbox";
  box.checked = checked;
  const about = element("p", "about", words.say(`${category}_more`));
  about.id = `firmly-about-${category}`;
  box.setAttribute("aria-describedby", about.id);
  const label = element("label", "option-name", box, words.say(category));
  return [element("div", "option", label, about), box];
}

function createNecessary(words: Words): HTMLElement {
  const always = element("span", "always", words.say("always"));
  const name = element("p", "option-name", words.say("necessary"), always);
  return element("div", "option", name, element("p", "about", words.say("necessary_more")));
}

/** Keeps Tab inside: without this it would leave a modal dialog for the browser's own controls. */
function holdFocus(dialog: HTMLElement): void {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const stops = dialog.querySelectorAll<HTMLElement>("button, input");
    const [from, to] = [stops[0], stops[stops.length - 1]];
    if (document.activeElement === (event.shiftKey ? from : to)) {
      event.preventDefault();
      (event.shiftKey ? to : from)?.focus();
    }
  });
}

/** Opens the dialog inside `root`; it removes itself when it closes, and the browser puts the focus back. */
export function openPreferences(
  root: HTMLElement,
  offered: readonly Category[],
  granted: Granted | null,
  words: Words,
  answers: Preferences,
): void {
  const { say } = words;
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
  const dialog = element(
    "dialog",
    "dialog",
    element("div", "head", title, close),
    element("div", "options", createNecessary(words), ...options.map(([option]) => option)),
    element("p", "note", say("duration")),
    element(
      "div",
      "answers",
      answer(say("accept"), answers.accept),
      answer(say(granted?.length ? "withdraw" : "reject"), answers.reject),
      answer(say("save"), save),
    ),
  );
  dialog.setAttribute("aria-label", say("label"));
  dialog.addEventListener("close", () => dialog.remove());
  holdFocus(dialog);
  root.append(dialog);
  dialog.showModal();
}
