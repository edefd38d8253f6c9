"""The rules of consent that a site's settings must keep: what breaks one is refused where the site is written.

Each refusal begins with the rule's id in the list that docs/BANNER.md explains.
"""

import re
from collections.abc import Iterator, Mapping
from unicodedata import category, normalize

from firmly.accounts.banner_settings import Theme
from firmly.accounts.site import Site
from firmly.consent.choice import REFUSAL_MONTHS
from firmly.consent.wording import FALLBACK, ShippedTexts, Texts, language_in, languages_of
from firmly.model import Category, Jurisdiction, Problem

LEAST_TEXT = 4.5
LEAST_BOUNDARY = 3.0
"""Contrasts. Source: WCAG 2.2, 1.4.3 and 1.4.11."""
LEAST_MONTHS = REFUSAL_MONTHS
MOST_MONTHS = 13
"""How long a choice is remembered (RULES R19). The banner says one number, for a refusal too."""
STRICT = frozenset(
    {
        "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
        "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO", "GB", "CH",
        "AX", "GF", "GP", "MF", "MQ", "RE", "YT",
        "EL", "EU", "UK",
    }
)  # fmt: skip
"""Where visitors are asked first whatever a controller says: the EEA, the United Kingdom and Switzerland, parts of the
European Union with codes of their own, and what is no country's code but meant as such.

Source: ePrivacy Directive 2002/58/EC, Art. 5(3); the United Kingdom's PECR 2003, 6. Switzerland is Firmly's caution.
"""

PALETTES: Mapping[str, Mapping[str, str]] = {
    "light": {
        "surface": "#ffffff",
        "text": "#1a1c1e",
        "muted": "#5b5f66",
        "accent": "#0b6b5b",
        "on-accent": "#ffffff",
    },
    "dark": {
        "surface": "#17191b",
        "text": "#ebecec",
        "muted": "#a1a6ac",
        "accent": "#46c2a7",
        "on-accent": "#04211b",
    },
}
"""The script's own colours, on which a site's stand where it gives only some."""

_PAIRS = (
    ("text", "surface", LEAST_TEXT, "text"),
    ("muted", "surface", LEAST_TEXT, "text"),
    ("on-accent", "accent", LEAST_TEXT, "text"),
    ("accent", "surface", LEAST_BOUNDARY, "a button's boundary"),
)
_PLACE = re.compile(r"\{[^{}]*\}")
MOST_OF_ANSWER = 40
"""Characters of accept, reject and choose: buttons of about the same size."""
_BLANK_LETTERS = "\u115f\u1160\u3164\uffa0"
"""Letters by their class that show nothing (Hangul fillers)."""


ANSWERS: Mapping[str, tuple[str, ...]] = {
    "accept": ("reject",),
    "reject": ("accept", "choose"),
    "choose": ("reject",),
}
"""The texts of the banner's answers, each with those that it must not read like."""


class ConsentRules:
    """Judges sites by the texts that Firmly ships."""

    def __init__(self, shipped: ShippedTexts) -> None:
        self._shipped = shipped
        self._keys = {**shipped.first[FALLBACK], **shipped.second[FALLBACK]}

    def breaches(self, site: Site) -> list[Problem]:
        """Return everything in a site's settings that breaks a rule."""
        return [
            *self._answers(site),
            *_contrasts(site),
            *_reasons(site),
            *_informed(site),
            *self._places(site),
            *self._languages(site),
            *self._wordings(site),
            *_duration(site),
            *_countries(site),
        ]

    def _answers(self, site: Site) -> Iterator[Problem]:
        for language, own in site.banner.texts.items():
            worded = {**self._of(language), **own}
            shipped = self._of(language) or self._of(language.split("-")[0])
            reads = {key: as_read(worded.get(key, "")) for key in ANSWERS}
            usual = {key: as_read(shipped.get(key, "")) for key in ANSWERS}
            for key in ANSWERS:
                rivals = ANSWERS[key]
                taken = {usual[rival] for rival in rivals} if key in own else set()
                if key == "reject":
                    taken |= {reads[rival] for rival in rivals}
                if reads[key] and reads[key] in taken:
                    yield Problem(f"banner.texts.{language}.{key}", worded[key][:100], "R1: a text of no other answer")
                if key in own and not _is_answer(own[key]):
                    expected = f"R3: 2 letters that show or more, in at most {MOST_OF_ANSWER} characters"
                    yield Problem(f"banner.texts.{language}.{key}", own[key][:100], expected)

    def _places(self, site: Site) -> Iterator[Problem]:
        """What a text must name stands in places such as ``{controller}``: all of them, and no others."""
        for language, own in site.banner.texts.items():
            for key, text in own.items():
                wanted = set(_PLACE.findall(self._keys.get(key, "")))
                is_whole = set(_PLACE.findall(text)) == wanted and not set("{}") & set(_PLACE.sub("", text))
                if key in self._keys and not is_whole:
                    places = " ".join(sorted(wanted)) or "no places in braces"
                    yield Problem(f"banner.texts.{language}.{key}", text[:100], f"R10: a text with {places}")

    def _languages(self, site: Site) -> Iterator[Problem]:
        known = ", ".join(sorted(self._shipped.first))
        for key, tag in [("language", site.language), *(("banner.languages", tag) for tag in site.banner.languages)]:
            if language_in(tag, site, self._shipped) is None:
                yield Problem(key, tag, f"R11: one of {known}, or a language that `banner.texts` has in full")
        for number, service in enumerate(site.banner.services):
            where = f"banner.services[{number}]"
            for language in languages_of(site, self._shipped):
                for what, said in (("purposes", service.purposes), ("reasons", service.reasons)):
                    # Whether reasons have to be given at all is R6's.
                    if language not in said and (said or what == "purposes"):
                        yield Problem(f"{where}.{what}.{language}", "", f"R11: {what} in every language of the banner")

    def _wordings(self, site: Site) -> Iterator[Problem]:
        for language, own in site.banner.texts.items():
            for key in own.keys() - self._keys.keys():
                yield Problem(f"banner.texts.{language}.{key}", own[key][:100], "R11: a key of the banner's texts")
            missing = [] if language in self._shipped.first else [key for key in self._keys if key not in own]
            if missing:
                expected = f"R11: a language in full; it lacks {', '.join(missing)}"
                yield Problem(f"banner.texts.{language}", f"{len(own)} texts", expected)

    def _of(self, language: str) -> Texts:
        return self._shipped.first.get(language, {})


def as_read(text: str) -> str:
    """Return what a text comes to for whoever reads it, to be compared."""
    shown = "".join(sign for sign in normalize("NFKC", text) if not _is_blank(sign))
    return " ".join(shown.casefold().split())


def _is_blank(sign: str) -> bool:
    return sign in _BLANK_LETTERS or category(sign) == "Cf"


def _is_answer(text: str) -> bool:
    letters = sum(sign.isalpha() and not _is_blank(sign) for sign in text)
    return letters >= 2 and len(text) <= MOST_OF_ANSWER


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours of the form ``#rrggbb``, 1 to 21. Source: WCAG 2.2, contrast ratio."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _contrasts(site: Site) -> Iterator[Problem]:
    """Judge the colours of the themes that can be shown, the site's own upon Firmly's."""
    for theme, usual in PALETTES.items():
        own = site.banner.colours.get(theme, {})
        if not own or site.banner.theme not in (Theme.AUTO, theme):
            continue
        colours = {**usual, **own}
        for front, back, least, what in _PAIRS:
            found = contrast(colours[front], colours[back])
            if found < least:
                value = f"{colours[front]} on {colours[back]}, {found:.2f}:1"
                where = f"banner.colours.{theme}.{front if front in own else back}"
                yield Problem(where, value, f"R4: {what} ({front}) of at least {least:g}:1 against {back}")


def _reasons(site: Site) -> Iterator[Problem]:
    for number, service in enumerate(site.banner.services):
        is_necessary = service.category is Category.NECESSARY
        if is_necessary != bool(service.reasons):
            expected = "why the site cannot do without it" if is_necessary else "reasons only where it is necessary"
            shown = ", ".join(service.reasons)[:100]
            yield Problem(f"banner.services[{number}].reasons", shown, f"R6: {expected}")


def _informed(site: Site) -> Iterator[Problem]:
    for number, service in enumerate(site.banner.services):
        where = f"banner.services[{number}]"
        if not service.provider.strip():
            yield Problem(f"{where}.provider", service.provider, "R10: who receives what the service brings")
        if not service.purposes:
            yield Problem(f"{where}.purposes", "", "R10: what the service is for")


def _duration(site: Site) -> Iterator[Problem]:
    if not LEAST_MONTHS <= site.banner.months <= MOST_MONTHS:
        yield Problem("banner.months", str(site.banner.months), f"R19: {LEAST_MONTHS} to {MOST_MONTHS} months")


def _countries(site: Site) -> Iterator[Problem]:
    named = site.banner.inform_in
    if named and site.jurisdiction is not Jurisdiction.BY_COUNTRY:
        expected = f"R14: no countries, unless `jurisdiction` is {Jurisdiction.BY_COUNTRY}"
        yield Problem("banner.inform_in", ", ".join(named)[:100], expected)
    for code in named:
        if code in STRICT:
            expected = "R14: a country outside the EEA, the United Kingdom and Switzerland, where visitors are asked"
            yield Problem("banner.inform_in", code, expected)
