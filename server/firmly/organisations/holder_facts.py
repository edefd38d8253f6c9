"""What the rules look at: a holder's words, form and sizes, and the estimate made from them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from firmly.organisations.data_file import Holder
from firmly.organisations.estimate import Estimate
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.lists import Lists
from firmly.organisations.names import fold, holder_name, tidy, words

_HANDLE_PART = re.compile(r"[^\W\d_]{2,}")
_DOMAIN = re.compile(r"\.(?:com|net|io|ru|pl|de|cz|org)\b", re.IGNORECASE)
_ABOVE = (1, 2, 4, 8, 16, 32, 64)
_GRAMS = (3, 4, 5)
_MANY_WORDS = 6
_SHORT_WORD = 6
_CLASS_B = 1 << 16
_OF_ALL_WORDS = ("pools", "mobile", "vpn", "hosting", "carriers", "research", "persons")
_OF_OWN_WORDS = ("education", "government", "nonprofit", "hospitals", "industries", "technology", "firms")


@dataclass(frozen=True, slots=True)
class HolderFacts:
    """What the rules look at.

    ``all_words`` includes the registry's handle, ``own_words`` does not, ``core_words`` neither the
    legal form. ``marks`` are what the estimate was made from.
    """

    all_words: tuple[str, ...]
    own_words: tuple[str, ...]
    core_words: tuple[str, ...]
    country: str
    has_form: bool
    ipv4_networks: int
    ipv4_addresses: int
    ipv6_networks: int
    marks: frozenset[str]
    estimate: Estimate


def holder_facts(holder: Holder, lists: Lists) -> HolderFacts:
    """Return the facts the rules look at."""
    own = words(holder_name(holder.registered_name))
    form, core = without_form(own, holder.home, lists.forms)
    marked = marks(holder, lists)
    return HolderFacts(
        all_words=words(holder.registered_name),
        own_words=own,
        core_words=core,
        country=holder.home,
        has_form=bool(form),
        ipv4_networks=holder.ipv4_networks,
        ipv4_addresses=holder.ipv4_addresses,
        ipv6_networks=holder.ipv6_networks,
        marks=marked,
        estimate=lists.weights.estimate(marked),
    )


def without_form(own: tuple[str, ...], country: str, forms: LegalForms) -> tuple[str, tuple[str, ...]]:
    """Return the legal form (the one at the end first) and the words without any, at least one word."""
    after, before = forms.length_after(own, country), forms.length_before(own, country)
    form = " ".join(own[len(own) - after :] if after else own[:before])
    return form, own[before : len(own) - after] if after + before < len(own) else own


def marks(holder: Holder, lists: Lists) -> frozenset[str]:
    """Return everything about a holder that the fitted weights may know."""
    own = words(holder_name(holder.registered_name))
    form, core = without_form(own, holder.home, lists.forms)
    return frozenset(
        (
            *marks_of_words(core),
            *_marks_of_lists(words(holder.registered_name), own, lists),
            *_marks_of_sizes(holder),
            *_marks_of_shape(holder.registered_name, core),
            f"form:{form}",
            "formed" if form else "formless",
            f"cc:{holder.home}",
        )
    )


def marks_of_words(core: tuple[str, ...]) -> Iterator[str]:
    """Yield the marks in which a part of a name stands: words, pairs of words, 3 to 5 letters."""
    if core:
        yield f"first:{core[0]}"
    for one, following in pairwise(core):
        yield f"b:{one} {following}"
    for word in core:
        yield f"w:{word}"
        edged = f"<{word}>"
        for length in _GRAMS:
            for place in range(len(edged) - length + 1):
                yield f"g:{edged[place : place + length]}"


def _marks_of_lists(all_words: tuple[str, ...], own: tuple[str, ...], lists: Lists) -> Iterator[str]:
    yield from (f"in:{name}" for name in _OF_ALL_WORDS if getattr(lists, name).find(all_words))
    yield from (f"in:{name}" for name in _OF_OWN_WORDS if getattr(lists, name).find(own))
    yield from (f"head:{name}" for name in ("government", "firms") if getattr(lists, name).starts_with(own))


def _marks_of_sizes(holder: Holder) -> Iterator[str]:
    ipv4, addresses, ipv6 = holder.ipv4_networks, holder.ipv4_addresses, holder.ipv6_networks
    yield f"n4:{ipv4.bit_length()}"
    yield f"a4:{addresses.bit_length()}"
    yield f"n6:{ipv6.bit_length()}"
    yield f"per:{(addresses // ipv4 if ipv4 else 0).bit_length()}"
    yield from (f"n4>{limit}" for limit in _ABOVE if ipv4 > limit)
    yield from (f"n6>{limit}" for limit in _ABOVE if ipv6 > limit)
    if ipv6 > ipv4:
        yield "n6>n4"
    if ipv4 == 1 and addresses == _CLASS_B:
        yield "one16"


def _marks_of_shape(registered: str, core: tuple[str, ...]) -> Iterator[str]:
    yield f"len:{min(_MANY_WORDS, len(core))}"
    handle, _, rest = tidy(registered).partition(" ")
    if rest and holder_name(registered) != tidy(registered):
        yield "handle"
        yield from (f"h:{part}" for part in _HANDLE_PART.findall(fold(handle)))
    if len(core) == 1:
        yield "single"
        if len(core[0]) <= _SHORT_WORD:
            yield "short"
    if registered.isupper():
        yield "caps"
    if registered.islower():
        yield "lower"
    if '"' in registered:
        yield "quoted"
    if _DOMAIN.search(registered):
        yield "dotted"
    if any(letter.isdigit() for word in core for letter in word):
        yield "digit"
