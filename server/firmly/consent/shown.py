"""What a stored banner version showed its visitors: the words of its first layer in one language."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Purpose:
    """``about`` is the sentence that was shown; ``hash`` is its SHA-256, ``""`` where there is no sentence."""

    category: str
    name: str
    about: str

    @property
    def hash(self) -> str:
        return sha256(self.about.encode()).hexdigest() if self.about else ""


@dataclass(frozen=True, slots=True)
class Shown:
    """``months`` is for how long a choice was said to be kept; ``recipients`` by category.

    ``words`` are the texts of the preferences, which have words for a visitor's own records.
    """

    controller: str
    privacy_url: str
    label: str
    intro: str
    purposes: tuple[Purpose, ...]
    duration: str
    months: int
    recipients: dict[str, str]
    words: dict[str, str]

    @property
    def fields(self) -> dict[str, Any]:
        """Return what the visitor's own view shows of it."""
        purposes = [{"name": one.name, "about": one.about} for one in self.purposes]
        return {"label": self.label, "intro": self.intro, "purposes": purposes, "duration": self.duration}


def shown_in(bundle: bytes, language: str) -> Shown:
    """Read what ``bundle`` showed in ``language``; in its own language where that was erased or never in it."""
    stored = orjson.loads(bundle)
    config = stored["config"]
    texts = config["texts"].get(language) or config["texts"].get(config["default_language"], {})
    words = _Words(texts, config)
    return Shown(
        controller=config["controller"],
        privacy_url=config["privacy_url"],
        label=words.of("label"),
        intro=words.of("intro"),
        purposes=tuple(
            Purpose(category, words.of(category), words.of(f"{category}_about")) for category in config["categories"]
        ),
        duration=words.of("duration"),
        months=config["months"],
        recipients=dict(config.get("providers", {})),
        words=dict(stored.get("preferences", {}).get(language, {}).get("texts", {})),
    )


class _Words:
    def __init__(self, texts: dict[str, str], config: dict[str, Any]) -> None:
        self._texts = texts
        self._values = {"controller": config["controller"], "months": str(config["months"])}
        self._values["label"] = self.of("label")

    def of(self, key: str) -> str:
        """Return a text with its places filled as the script fills them; ``""`` where there is none."""
        text = self._texts.get(key, "")
        for name, value in self._values.items():
            text = text.replace(f"{{{name}}}", value)
        return text
