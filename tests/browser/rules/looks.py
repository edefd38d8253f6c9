"""How the first layer looks in every language, theme and viewport: measured once, in one call each."""

import re
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from tests.browser.rules.town import LANGUAGES
from tests.browser.rules.visitor import Visitor

VIEWPORTS = ((390, 844), (320, 256), (1280, 900))
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MEASURE = """() => {
  const root = document.querySelector(".firmly-root"), layer = root.querySelector(".firmly-layer");
  const rect = (one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return { x, y, width, height };
  };
  /** The colour that stands behind: the first that is not transparent. */
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const look = (one) => {
    const style = getComputedStyle(one), box = rect(one);
    return {
      text: one.textContent, tag: one.tagName, type: one.type, disabled: one.disabled, box,
      colours: [style.color, style.backgroundColor, style.borderColor, style.opacity, style.boxShadow],
      font: [style.fontSize, style.fontWeight, style.fontFamily, style.textTransform, style.textDecorationLine],
      shape: [style.borderWidth, style.borderRadius, style.padding],
      behind: behind(one.parentElement),
      inside: box.x >= 0 && box.y >= 0 && box.x + box.width <= innerWidth && box.y + box.height <= innerHeight,
      onTop: one.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)),
      cut: one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1,
    };
  };
  const texts = [...layer.querySelectorAll("p, li, strong, a, button")].map((one) => {
    const style = getComputedStyle(one);
    return { text: one.textContent, colour: style.color, behind: behind(one), size: style.fontSize };
  });
  const parts = [];
  for (let walk = document.createTreeWalker(layer, NodeFilter.SHOW_TEXT), node; (node = walk.nextNode()); )
    parts.push(node.textContent);
  const box = rect(layer);
  return {
    language: root.lang, direction: getComputedStyle(layer).direction, label: root.getAttribute("aria-label"),
    answers: [...layer.querySelectorAll(".firmly-answer")].map(look),
    buttons: [...layer.querySelectorAll("button")].map(look),
    inputs: layer.querySelectorAll("input, select, [role=switch], [role=checkbox]").length,
    links: [...layer.querySelectorAll("a")].map((one) => one.href),
    texts, parts, box, scheme: getComputedStyle(root).colorScheme,
    wide: document.documentElement.scrollWidth, screen: [innerWidth, innerHeight],
    months: new Intl.NumberFormat(root.lang, { style: "unit", unit: "month", unitDisplay: "long" }).format(6),
    moving: [...root.querySelectorAll("*")].some((one) => {
      const style = getComputedStyle(one);
      return style.animationName !== "none" || style.transitionDuration !== "0s";
    }),
  };
}"""


@dataclass(frozen=True, slots=True)
class Look:
    """One first layer; ``name`` says where, and ``seen`` is what `MEASURE` found."""

    name: str
    language: str
    theme: str
    seen: dict[str, Any]


def look_everywhere(visitor: Visitor) -> list[Look]:
    """Load a page per language; the same page is looked at in both themes and every viewport."""
    looks = []
    page = visitor.context.new_page()
    for language in LANGUAGES:
        visitor.go(page, visitor.website.page(visitor.town.sites["shop"].key, language=language))
        for theme, (width, height) in product(THEMES, VIEWPORTS):
            page.emulate_media(color_scheme=theme)
            page.set_viewport_size({"width": width, "height": height})
            looks.append(Look(f"{language}, {theme}, {width}x{height}", language, theme, page.evaluate(MEASURE)))
    return looks


def contrast(one: str, other: str) -> float:
    """Return the contrast of two computed colours, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue, *alpha = (float(part) for part in re.findall(r"[\d.]+", colour))
    assert not alpha or alpha == [1.0], f"{colour} lets through what is behind it: its contrast is not known"
    parts = (
        (value / 255 / 12.92) if value <= 10.31475 else ((value / 255 + 0.055) / 1.055) ** 2.4
        for value in (red, green, blue)
    )
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
