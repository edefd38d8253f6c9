"""The colour roles: light and dark name the same, and what meets is far enough apart.

Source: WCAG 2.2, 1.4.3 (text 4.5:1) and 1.4.11 (controls and graphics 3:1).
"""

import re

import pytest

from firmly.packaged import dashboards

CSS = (dashboards() / "static" / "tokens.css").read_text()
_COLOUR = re.compile(r"--([a-z0-9-]+): (#[0-9a-f]{6});")
LIGHT, DARK = (dict(_COLOUR.findall(part)) for part in CSS.split("@media (prefers-color-scheme: dark)"))

SHEETS = sorted({path.name for path in (dashboards() / "static").glob("*.css")} - {"tokens.css"})

TEXT = [
    *((role, ground) for role in ("text", "muted") for ground in ("surface", "raised", "sunken", "hover")),
    ("accent", "surface"),
    ("accent", "raised"),
    ("accent-hover", "surface"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("on-accent-soft", "accent-soft"),
    ("danger", "danger-soft"),
    ("warning", "surface"),
    ("positive", "raised"),
    ("surface", "text"),
]
CONTROLS = [
    *((role, ground) for role in ("border-strong", "focus") for ground in ("surface", "raised", "sunken")),
    *((f"data-{tone}", "raised") for tone in range(6)),
    ("positive", "surface"),
    ("accent", "sunken"),
]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_known_colours_is_right() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_light_and_dark_name_the_same_roles() -> None:
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize("roles", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "ground", "least"), [(*pair, 4.5) for pair in TEXT] + [(*pair, 3.0) for pair in CONTROLS]
)
def test_roles_that_meet_are_far_enough_apart(roles: dict[str, str], front: str, ground: str, least: float) -> None:
    assert contrast(roles[front], roles[ground]) >= least


@pytest.mark.parametrize("name", SHEETS)
def test_style_sheets_use_roles_only(name: str) -> None:
    sheet = (dashboards() / "static" / name).read_text()
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s)])|rgba?\(|hsla?\(", sheet) == []
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", sheet))
    assert used - set(re.findall(r"--([a-z0-9-]+):", CSS)) == set()
