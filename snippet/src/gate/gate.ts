/**
 * Holds scripts, frames and images of a category back until the visitor agrees to it.
 *
 * `<script type="text/plain" data-category="statistics" src="...">`, `<iframe data-category="marketing" data-src="...">`,
 * `<img data-category="marketing" data-src="...">`. Scripts run once, one after the other, in the order of the page.
 */

import type { Category } from "../core/config.ts";
import type { Granted } from "../consent/choice.ts";
import { safely } from "../core/safely.ts";

interface Policy {
  createScript(text: string): unknown;
  createScriptURL(url: string): unknown;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScript(text: string): string; createScriptURL(url: string): string }): Policy;
}

type Held = HTMLScriptElement | HTMLIFrameElement | HTMLImageElement;

export interface Gate {
  /** Looks at the page again: something was granted, or withdrawn. */
  update(): void;
  /** Shows this one frame whatever was chosen. */
  showOnce(frame: HTMLIFrameElement): void;
}

/** Says who would be asked for a frame's content; null for what is no address of the web, such as `javascript:`. */
function hostOf(held: HTMLElement): string | null {
  const { protocol, host } = new URL(held.dataset["src"] as string, document.baseURI);
  return /^https?:$/.test(protocol) ? host : null;
}

/**
 * `nonce` is this script's own: where the page has a policy with nonces only scripts with the same one run, so that
 * nobody who can write markup into the page can run a script through us. `hold` makes what stands in a frame's place.
 */
export function createGate(
  nonce: string,
  granted: () => Granted | null | undefined,
  hold: (frame: HTMLIFrameElement, host: string, category: Category) => HTMLElement,
): Gate {
  const places = new Map<HTMLIFrameElement, HTMLElement>();
  const seen = new WeakSet<Held>();
  /** As of the last look: it is asked for once a look, since the page may change often. */
  let standing: Granted | null | undefined;
  let policy: Policy | undefined;
  let running: Promise<unknown> = Promise.resolve();

  const allowed = (held: Held): boolean =>
    held.dataset["category"] === "necessary" || standing?.includes(held.dataset["category"] as Category) === true;

  /** Resolves when the next script may run. */
  async function run(held: HTMLScriptElement): Promise<void> {
    // Between scripts the page may answer the visitor.
    await new Promise((resume) => setTimeout(resume));
    standing = granted();
    if (!held.isConnected || !allowed(held)) return void seen.delete(held);
    const script = document.createElement("script");
    for (const { name, value } of held.attributes)
      if (!/^(type|src|data-src|on.*)$/.test(name)) script.setAttribute(name, value);
    script.type = held.dataset["type"] ?? "";
    script.nonce = held.nonce;
    const src = held.dataset["src"] ?? held.getAttribute("src");
    // Made when it is first needed: a page that holds back no scripts need not allow it.
    policy ??= (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("firmly", {
      createScript: (text) => text,
      createScriptURL: (url) => url,
    });
    await new Promise((resume) => {
      script.onload = script.onerror = resume;
      if (src) script.src = (policy?.createScriptURL(src) ?? src) as string;
      else script.text = (policy?.createScript(held.text) ?? held.text) as string;
      held.replaceWith(script);
      if (!src || script.hasAttribute("async")) resume(null);
    });
  }

  function show(frame: HTMLIFrameElement | HTMLImageElement): void {
    if (!hostOf(frame)) return;
    const place = places.get(frame as HTMLIFrameElement);
    frame.src = frame.dataset["src"] as string;
    frame.hidden = false;
    if (place?.contains(document.activeElement)) frame.focus();
    place?.remove();
    places.delete(frame as HTMLIFrameElement);
  }

  function cover(frame: HTMLIFrameElement): void {
    const host = hostOf(frame);
    if (places.has(frame) || !host) return;
    const { width, height } = frame.getBoundingClientRect();
    const place = hold(frame, host, frame.dataset["category"] as Category);
    // The same room as the frame's, so that nothing around it moves; an inline box would have no size of its own.
    // Hidden overflow puts it on the line as a frame stands there.
    place.style.overflow = "hidden";
    place.style.display = getComputedStyle(frame).display.replace(/^inline$/, "inline-block");
    place.style.inlineSize = `${width}px`;
    place.style.blockSize = `${height}px`;
    places.set(frame, place);
    frame.removeAttribute("src");
    frame.before(place);
    frame.hidden = true;
  }

  function look(held: Held): void {
    if (!allowed(held)) {
      if (held instanceof HTMLIFrameElement && !seen.has(held)) cover(held);
    } else if (!(held instanceof HTMLScriptElement)) {
      if (!held.hasAttribute("src")) show(held);
    } else if (!seen.has(held) && held.type === "text/plain" && held.nonce === nonce) {
      seen.add(held);
      running = running.then(() => run(held)).catch(() => {});
    }
  }

  function update(): void {
    const all = document.querySelectorAll<Held>("script[data-category],[data-category][data-src]");
    // Where nothing is held back, what stands is not asked for: a page may change often.
    if (all.length) standing = granted();
    for (const held of all) safely(() => look(held));
  }

  new MutationObserver(update).observe(document, { childList: true, subtree: true });
  update();
  return {
    update,
    showOnce(frame) {
      seen.add(frame);
      show(frame);
    },
  };
}
