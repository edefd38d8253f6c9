"""Whether an organisation is named surely enough for a site."""

from firmly.model import Confidence, Organisation

_STEPS = {step: place for place, step in enumerate(reversed(Confidence))}


def meets(organisation: Organisation, minimum: Confidence) -> bool:
    """Tell whether the confidence is at least ``minimum``; below it the reason is `LOW_CONFIDENCE`."""
    return _STEPS[organisation.confidence] >= _STEPS[minimum]
