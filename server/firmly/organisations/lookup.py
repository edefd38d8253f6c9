"""A decision in words: for `firmly orgs lookup`, one JSON object or a few lines per address. Nothing is kept."""

from collections.abc import Iterator
from typing import Any

from firmly.model import Confidence, DropReason, Organisation
from firmly.organisations.address import Address
from firmly.organisations.chain import Decision
from firmly.organisations.confidence import meets
from firmly.organisations.offers import Basis, Judged, Offer
from firmly.organisations.overrides import OPERATOR
from firmly.organisations.resolve import Resolver

REFUSED = "refused"


def look_up(text: str, resolver: Resolver, minimum: Confidence) -> dict[str, Any]:
    """Return the answer for one address as ``text`` says it, as JSON (docs/ORGANISATIONS.md).

    ``organisation`` is None where none is named with at least ``minimum``; ``reason`` says why, or
    what the name rests on. ``evidence`` is the step that answered and every offer considered.
    """
    decision = resolver.explain(Address.parse(text))
    answer = decision.answer
    named = answer if isinstance(answer, Organisation) and meets(answer, minimum) else None
    return {
        "address": text,
        "organisation": None if named is None else _organisation(named),
        "reason": _reason(decision, named),
        "confidence": None if named is None else named.confidence.value,
        "evidence": {"step": decision.step, "considered": [_considered(*pair) for pair in decision.considered]},
    }


def in_words(found: dict[str, Any]) -> Iterator[str]:
    """Say an answer of `look_up` in lines for people."""
    organisation = found["organisation"]
    if organisation is None:
        yield f"{found['address']}: none ({found['reason']})"
    else:
        country = organisation["country"] or "country unknown"
        yield f"{found['address']}: {organisation['name']} - {organisation['kind']}, {country} ({found['confidence']})"
    evidence = found["evidence"]
    yield f"  step {evidence['step']}" + (f", {found['reason']}" if organisation else "")
    for place, offer in enumerate(evidence["considered"]):
        number = f"AS{offer['asn']}, " if offer["asn"] else ""
        words = f": {offer['words']}" if offer["words"] else ""
        yield (
            f"  {'leading' if place == 0 else 'lost':<8}{offer['level']:<10} {offer['registered_name']} "
            f"({number}{offer['source']}, {offer['as_of']}) -> {offer['verdict']}, by {offer['basis']}{words}"
        )


def _reason(decision: Decision, named: Organisation | None) -> str:
    if isinstance(decision.answer, DropReason):
        is_form = decision.answer is DropReason.ADDRESS_REFUSED
        return REFUSED if is_form else decision.answer.value
    if named is None:
        return DropReason.LOW_CONFIDENCE.value
    return Basis.OPERATOR.value if named.source == OPERATOR else decision.considered[0][1].basis.value


def _organisation(found: Organisation) -> dict[str, Any]:
    return {
        "id": f"{found.id:016x}",
        "name": found.name,
        "kind": found.kind.value,
        "domain": found.domain or None,
        "country": found.country or None,
        "asn": found.asn or None,
        "registered_name": found.registered_name,
        "source": found.source,
        "as_of": found.as_of.isoformat(),
        "detail": found.detail.value,
    }


def _considered(offer: Offer, judged: Judged) -> dict[str, Any]:
    verdict = judged.organisation.kind.value if judged.organisation else (judged.reason or DropReason.NO_EVIDENCE).value
    return {
        "level": offer.level.value,
        "registered_name": offer.name,
        "asn": offer.asn or None,
        "source": offer.data_set.name,
        "as_of": offer.data_set.as_of.isoformat(),
        "verdict": verdict,
        "confidence": judged.organisation.confidence.value if judged.organisation else None,
        "basis": judged.basis.value,
        "words": judged.evidence,
    }
