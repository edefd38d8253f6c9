/** Shows what the visitor's choice calls for: the first layer, or the control that opens the preferences. */

import { type Category, CATEGORIES, type Frame } from "../core/config.ts";
import { safely } from "../core/safely.ts";
import { CHOICE_COOKIE, type Granted } from "../consent/choice.ts";
import { type Action, createDecisions, type Decisions, formChoices, type Source } from "../consent/decision.ts";
import { createGate } from "../gate/gate.ts";
import type { Preferences } from "../preferences/main.ts";
import { button } from "./element.ts";
import { createLayer, createPlace, createRoot } from "./layer.ts";
import { createPalette } from "./palette.ts";
import { applyStyle } from "./style.ts";
import css from "./style.css";
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
  const decisions = createDecisions(frame, consent, document, lasting, post, Date.now, setTimeout, () => {
    addEventListener("pagehide", () => safely(decisions.hurry));
    // Another tab may refuse while a decision of this one is on its way: the refusal has to follow that.
    addEventListener("storage", () => decisions.pending() && safely(decisions.resume));
  });
  safely(decisions.resume);
  return decisions;
}

function mount(frame: Frame, parts: Parts, decisions: Decisions): void {
  const { consent, api, carrier } = parts;
  const words = createWords(document.documentElement.lang, frame);
  const offered = CATEGORIES.filter((category) => (frame.categories ?? CATEGORIES).includes(category));
  const root = createRoot("section", words);
  const outside = followFocus(root);
  const reopen = button("reopen", words.say("label"), show);
  let shown: HTMLElement | undefined;
  let failed = false;
  /** The preferences could not be loaded: the first layer asks in their place. */
  let alone = false;
  let loading: Promise<Preferences> | undefined;

  /** One request, of which the collector answers the same for good. */
  function load(): Promise<Preferences> {
    const { collector, site, banner } = frame;
    return (loading ??= import(`${collector}/f/${site}/${banner.slice(0, 16)}/${words.language}.js`));
  }

  function decide(granted: Granted, action: Action, source: Source): void {
    const standing = consent.granted()?.length;
    alone = false;
    // What a decision refuses ends at once, also where it was on without a choice.
    frame.informed = frame.informed?.filter((category) => granted.includes(category));
    // Granting nothing ends a consent that stands, and refuses where there was none.
    const exact = granted.length || source === "signal" ? action : standing ? "withdraw" : "reject_all";
    decisions.decide(granted, exact, source, words.language);
    // What others stored while they were allowed to goes with the consent.
    const refused = offered.filter((category) => !granted.includes(category));
    if (frame.providers && refused.length && source !== "signal") load().then((loaded) => loaded.clear(refused, parts), () => {});
  }

  function answerWith(source: Source) {
    return {
      accept: () => decide(offered, "accept_all", source),
      reject: () => decide([], "reject_all", source),
      save: (granted: Category[]) => decide(granted, "custom", source),
    };
  }

  function show(): void {
    load().then(
      (loaded) => {
        if (!root.querySelector("dialog")) loaded.open(root, offered, words, answerWith("preferences"), frame, parts);
      },
      () => {
        loading = undefined;
        alone = true;
        render();
        shown?.querySelector("button")?.focus();
      },
    );
  }

  function render(): void {
    const asks = alone || decisions.failed() || (!consent.granted() && !decisions.pending());
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

  root.classList.add(`firmly-${frame.position ?? "bar"}`);
  root.setAttribute("aria-label", words.say("label"));
  applyStyle(css + createPalette(frame));
  render();
  document.body.prepend(root);
  consent.listen(render);
  const stands = (): Granted | null | undefined => {
    // Another tab may have withdrawn at any moment.
    consent.reread();
    return consent.granted() ?? frame.informed;
  };
  const gate = createGate(carrier.nonce, stands, (held, host, category) =>
    createPlace(
      host,
      category,
      words,
      () => gate.showOnce(held),
      // What is not asked for cannot be agreed to.
      offered.includes(category) && (() => decide([...(consent.granted() ?? []), category], "custom", "banner")),
    ),
  );
  consent.listen(gate.update);
  api.show = show;
  addEventListener("click", (event) => {
    const link = event.target instanceof Element && event.target.closest(`a[href$="${SETTINGS_LINK}"]`);
    if (!link) return;
    event.preventDefault();
    show();
  });
  if (location.hash === SETTINGS_LINK) show();
  // The browser refuses for the visitor: that is recorded once, and nobody is asked.
  if (consent.granted()?.length === 0 && !document.cookie.includes(CHOICE_COOKIE) && !decisions.pending())
    decide([], (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl ? "gpc" : "dnt", "signal");
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
  const begin = async (): Promise<void> => {
    // What is said at first does not change under the visitor's eyes.
    await F.ruled;
    safely(() => mount(F, parts, decisions));
  };
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
});
