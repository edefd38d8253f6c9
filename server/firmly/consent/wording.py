"""The words of a site's banner: in which languages, which of the texts, and with the site's own wording.

Texts come in two layers: what everybody is shown, and what the preferences add when they are opened.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from firmly.accounts.banner_settings import language_key
from firmly.accounts.site import Site
from firmly.model import OPTIONAL, BeforeConsent, Category

FALLBACK = "en"
MONTHS = "months"
"""The text that says how long, 6 to 13 of them; it is part of others and not shown by itself."""

Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ShippedTexts:
    """Firmly's own texts by language and key: the same languages and keys in every language of a layer."""

    first: Mapping[str, Texts]
    second: Mapping[str, Texts]


def language_in(tag: str, site: Site, shipped: ShippedTexts) -> str | None:
    """Return the language that texts exist in for a tag: the tag itself, else its first part, else None."""
    whole = language_key(tag)
    return next((key for key in (whole, whole.split("-")[0]) if key in site.banner.texts or key in shipped.first), None)


def languages_of(site: Site, shipped: ShippedTexts) -> tuple[str, ...]:
    """Return the languages of a site's banner, its own first: where that has no texts, English."""
    own = language_in(site.language, site, shipped) or FALLBACK
    others = (language_in(tag, site, shipped) for tag in site.banner.languages)
    return tuple(dict.fromkeys([own, *filter(None, others)]))


def providers_of(site: Site) -> dict[str, str]:
    """Return who receives what a category brings, by the categories in which somebody does."""
    found: dict[str, dict[str, None]] = {}
    for service in site.banner.services:
        if service.category is not Category.NECESSARY:
            found.setdefault(service.category.value, {})[service.provider] = None
    return {category: ", ".join(providers) for category, providers in found.items()}


def first_layer_of(site: Site, shipped: ShippedTexts, language: str) -> dict[str, str]:
    """Return the texts that everybody is shown in a language: those that this site can use.

    How long a choice is kept is written out here, since a browser takes longer for it than for all the rest.
    """
    unused = {MONTHS, *_unused_of(site)}
    texts = _worded(shipped.first, site, language)
    months = texts[MONTHS].replace("{n}", str(site.banner.months))
    return {key: text.replace("{months}", months) for key, text in texts.items() if key not in unused}


def second_layer_of(site: Site, shipped: ShippedTexts, language: str) -> dict[str, str]:
    """Return the texts that the preferences add in a language."""
    return _worded(shipped.second, site, language)


def _worded(layer: Mapping[str, Texts], site: Site, language: str) -> dict[str, str]:
    own = site.banner.texts.get(language, {})
    return {key: own.get(key, text) for key, text in layer.get(language, layer[FALLBACK]).items()}


def _unused_of(site: Site) -> Iterator[str]:
    for category in OPTIONAL:
        if category not in site.banner.offered:
            yield from (category.value, f"{category.value}_about")
    if site.before_consent is not BeforeConsent.COMPANY:
        yield "company_notice"
    if not site.informs_in:
        yield "inform_notice"
    if not providers_of(site):  # A frame may be held back all the same: for statistics, which every site asks for.
        yield "recipients"
