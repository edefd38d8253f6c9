"""Whether a domain that a vendor publishes is the organisation's own: its name must say so too."""

from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import fold, name_key

_SECOND_LEVEL = frozenset(("co", "com", "org", "ac", "gov", "gob", "gouv", "edu", "net", "or", "ne", "go", "gv", "gc"))
_SHORTEST = 4


def is_own_domain(domain: str, name: str, country: str, forms: LegalForms) -> bool:
    """Tell whether the name corroborates the domain: the whole name, its first words, or its initials.

    A carrier's domain stands at many networks of its customers, so the vendor's word alone is none.
    """
    labels = domain.split(".")[:-1]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels.pop()
    label = fold(labels[-1]).replace("-", "") if labels else ""
    spoken = name_key(name, country, forms).split()
    if not label or not spoken:
        return False
    whole, initials = "".join(spoken), "".join(word[0] for word in spoken)
    begins = len(label) >= _SHORTEST and label in ("".join(spoken[:count]) for count in range(1, len(spoken) + 1))
    return label == whole or begins or (len(initials) >= 3 and label == initials)
