/** The visitor's own view: what they chose and when, what they saw, their receipt, its check, and its erasure. */

import { button, element } from "../banner/element.ts";
import type { Words } from "../banner/words.ts";
import type { Frame } from "../core/config.ts";
import { UNSENT } from "../consent/choice.ts";
import { writeChoice } from "../consent/decision.ts";
import { RECEIPT } from "../consent/token.ts";
import { type Receipt, verify } from "./verify.ts";

/** `POST /f/c/history`. */
interface History {
  readonly records: readonly {
    readonly minute: string;
    readonly action: string;
    readonly categories: readonly string[];
    readonly banner: string;
    readonly language: string;
  }[];
  readonly saw: Readonly<Record<string, { label: string; intro: string; purposes: { name: string; about: string }[]; duration: string }>>;
}

function download(text: string, type: string, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** `clear` removes what services stored: with the record their consent ends. */
export function createRecord(
  frame: Frame,
  { consent, post, lasting }: NonNullable<Frame["parts"]>,
  words: Words,
  clear: () => void,
): HTMLElement {
  const { say, language } = words;
  const { site } = frame;
  const body = element("div", "record");
  const said = element("p", "said");
  said.setAttribute("role", "status");
  const day = new Intl.DateTimeFormat(language, { dateStyle: "long" });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" });

  async function ask(path: string, more?: object): Promise<Response> {
    const receipt = lasting.recall(RECEIPT + site) ?? undefined;
    const response = await post(`/f/c/${path}`, { site, receipt, ...more }, "include", false);
    if (!response.ok) throw response;
    return response;
  }

  /** Does `work`, and says so where it fails; without a record there is nothing to do it with. */
  function attempt(work: () => Promise<unknown>): void {
    said.textContent = "";
    work().catch((error) => {
      said.textContent = say(error instanceof Response && error.status === 404 ? "mine_none" : "retry");
    });
  }

  async function list(): Promise<void> {
    const { records, saw }: History = await (await ask("history")).json();
    const rows = records.map(({ minute, action, categories, banner, language: shown }) => {
      const names = categories.map((category) => say(category)).join(", ");
      const row = element("li", "chosen", `${moment.format(new Date(minute))}: ${say(`did_${action}`)}${names ? ` (${names})` : ""}`);
      const text = saw[`${banner}/${shown}`];
      if (text) {
        const purposes = text.purposes.map(({ name, about }) => element("li", "purpose", `${name} – ${about}`));
        const seen = element("div", "saw", element("p", "about", text.intro), element("ul", "stores", ...purposes), element("p", "about", text.duration));
        seen.lang = shown;
        row.append(element("details", "details", element("summary", "summary", say("saw")), seen));
      }
      return row;
    });
    body.replaceChildren(element("ul", "records", ...rows), actions);
  }

  async function check(): Promise<void> {
    const receipt: Receipt = await (await ask("receipt", { format: "json" })).json();
    const at = await verify(receipt);
    said.textContent = at ? say("verified", { ...at, date: day.format(new Date(at.date)) }) : say("unverified");
  }

  async function save(format: "json" | "page"): Promise<void> {
    const text = await (await ask("receipt", { format, language })).text();
    const [type, end] = format === "page" ? ["text/html", "html"] : ["application/json", "json"];
    download(text, type as string, `receipt-${site}.${end}`);
  }

  async function erase(): Promise<void> {
    const { choice, proof_until } = await (await ask("erase")).json();
    lasting.retain(RECEIPT + site, null);
    lasting.retain(UNSENT, null);
    writeChoice(document, choice, Date.now());
    consent.hold([]);
    consent.letGo(choice);
    clear();
    body.replaceChildren();
    said.textContent = say("erased", { date: day.format(new Date(proof_until)) });
  }

  const warning = element("div", "warning", element("p", "about", say("erase_about")), button("plain", say("erase_now"), () => attempt(erase)));
  warning.hidden = true;
  const actions = element(
    "div",
    "actions",
    button("plain", say("page"), () => attempt(() => save("page"))),
    button("plain", say("data"), () => attempt(() => save("json"))),
    button("plain", say("verify"), () => attempt(check)),
    button("plain", say("erase"), () => {
      warning.hidden = !warning.hidden;
    }),
    warning,
  );
  const details = element("details", "mine", element("summary", "summary", say("mine")), body, said);
  details.addEventListener("toggle", () => details.open && !body.hasChildNodes() && attempt(list));
  return details;
}
