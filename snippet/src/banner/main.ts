/** Shows what the visitor's choice calls for: the first layer, or the control that opens the preferences. */

import { type Category, CATEGORIES, type Frame } from "../core/config.ts";
import { safely } from "../core/safely.ts";
import type { Granted } from "../consent/choice.ts";
import { type Action, createDecisions, type Decisions, formChoices, type Source } from "../consent/decision.ts";
import { button, element } from "./element.ts";
import { createLayer } from "./layer.ts";
import { openPreferences } from "./preferences.ts";
import { applyStyle } from "./style.ts";
import { createWords } from "./words.ts";

const SETTINGS_LINK = "#cookie-settings";

/** What the page had in focus before the visitor went into `root`; that is where the focus goes back to. */
function followFocus(root: HTMLElement): () => HTMLElement | null {
  let outside: HTMLElement | null = null;
  root.addEventListener("focusin", ({ relatedTarget }) => {
    if (relatedTarget instanceof HTMLElement && !root.contains(relatedTarget)) outside = relatedTarget;
  });
  return () => (outside?.isConnected ? outside : null);
}

type Parts = NonNullable<Frame["parts"]>;

/** Before anything is shown or measured, what an earlier page could not send is sent. */
function openDecisions(frame: Frame, { consent, post, lasting }: Parts): Decisions {
  const later = (work: () => void, delayMs: number): unknown => setTimeout(work, delayMs);
  const decisions = createDecisions(frame, consent, document, lasting, post, Date.now, later);
  safely(decisions.resume);
  addEventListener("pagehide", () => safely(decisions.hurry));
  // Another tab may refuse while a decision of this one is on its way: the refusal has to follow that.
  addEventListener("storage", () => decisions.pending() && safely(decisions.resume));
  return decisions;
}

function mount(frame: Frame, { consent, api }: Parts, decisions: Decisions): void {
  const words = createWords(document.documentElement.lang, frame);
  const offered = CATEGORIES.filter((category) => (frame.categories ?? CATEGORIES).includes(category));
  const root = element("section", "root");
  const outside = followFocus(root);
  const reopen = button("reopen", words.say("label"), show);
  let shown: HTMLElement | undefined;
  let failed = false;

  function decide(granted: Granted, action: Action, source: Source): void {
    const standing = consent.granted()?.length;
    // Granting nothing ends a consent that stands, and refuses where there was none.
    const exact = granted.length ? action : standing ? "withdraw" : "reject_all";
    decisions.decide(granted, exact, source, words.language);
  }

  function answerWith(source: Source) {
    return {
      accept: () => decide(offered, "accept_all", source),
      reject: () => decide([], "reject_all", source),
      save: (granted: Category[]) => decide(granted, "custom", source),
    };
  }

  function show(): void {
    if (!root.querySelector("dialog"))
      openPreferences(root, offered, consent.granted(), words, answerWith("preferences"));
  }

  function render(): void {
    const asks = decisions.failed() || (!consent.granted() && !decisions.pending());
    if (shown && (shown !== reopen) === asks && failed === decisions.failed()) return;
    failed = decisions.failed();
    const next = asks ? createLayer(frame, offered, words, failed, { ...answerWith("banner"), choose: show }) : reopen;
    const focused = shown?.contains(document.activeElement);
    if (shown) shown.replaceWith(next);
    else root.append(next);
    shown = next;
    // The focus must not drop to the start of the page when what had it is gone.
    if (focused) (outside() ?? next.querySelector("button") ?? reopen).focus({ preventScroll: true });
  }

  root.lang = words.language;
  root.dir = "auto";
  root.setAttribute("aria-label", words.say("label"));
  applyStyle();
  render();
  document.body.prepend(root);
  consent.listen(render);
  api.show = show;
  addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest(`a[href$="${SETTINGS_LINK}"]`);
    if (!link) return;
    event.preventDefault();
    show();
  });
  if (location.hash === SETTINGS_LINK) show();
}

safely(() => {
  const { parts } = F;
  if (!parts) return;
  const { api, consent } = parts;
  api.consent = () => {
    const granted = consent.granted();
    return granted && formChoices(granted);
  };
  api.on = (_event, listener) => consent.listen(() => listener(api.consent()));
  api.show = () => {}; // Until there is something to show.
  const decisions = openDecisions(F, parts);
  const begin = (): void => safely(() => mount(F, parts, decisions));
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
});
