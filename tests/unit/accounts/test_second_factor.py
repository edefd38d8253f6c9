"""Authenticator codes by the RFC's own values, replay, clocks that are off; recovery codes; the box."""

import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from firmly.accounts.second_factor import (
    SecretBox,
    matching_step,
    new_recovery_codes,
    new_secret,
    otpauth_uri,
    qr_svg,
    recovery_hash,
)

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""RFC 6238, appendix B: the ASCII text 12345678901234567890 in base32."""

KEY, OLD_KEY = "k" * 32, "o" * 32


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pytest.mark.parametrize(
    ("seconds", "eight_digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_matching_step_knows_the_values_of_the_rfc(seconds: int, eight_digits: str) -> None:
    """Its codes have eight digits; the last six are the code of six."""
    assert matching_step(SECRET, eight_digits[2:], at(seconds), 0) == seconds // 30


@pytest.mark.parametrize(
    ("seconds", "step"),
    [(29.9, 1), (30, 1), (59.9, 1), (60, 1), (89.9, 1), (0, 1), (90, None), (119, None)],
)
def test_matching_step_clock_may_be_off_by_one_step_each_way(seconds: float, step: int | None) -> None:
    assert matching_step(SECRET, "287082", at(seconds), 0) == step


@pytest.mark.parametrize(("last_step", "step"), [(0, 1), (1, None), (2, None), (10**9, None)])
def test_matching_step_code_counts_once(last_step: int, step: int | None) -> None:
    assert matching_step(SECRET, "287082", at(59), last_step) == step


def test_matching_step_earlier_code_does_not_count_after_a_later_one() -> None:
    now = at(1111111111)
    later = matching_step(SECRET, "050471", now, 0)
    assert later == 37037037
    assert matching_step(SECRET, "081804", now, 0) == 37037036
    assert matching_step(SECRET, "081804", now, later) is None


@pytest.mark.parametrize("code", ["287 082", " 287082 ", "2 8 7 0 8 2"])
def test_matching_step_spaces_do_not_matter(code: str) -> None:
    assert matching_step(SECRET, code, at(59), 0) == 1


@pytest.mark.parametrize(
    "code",
    [
        "",
        "287083",
        "28708",
        "2870820",
        "94287082",
        "-287082",
        "287082\n",
        "28708\u0662",
        "\uff12\uff18\uff17\uff10\uff18\uff12",
        "287082" + " " * 100,
        "\ud800",
    ],
    ids=ascii,
)
def test_matching_step_anything_else_is_wrong(code: str) -> None:
    assert matching_step(SECRET, code, at(59), 0) is None


@given(st.text() | st.from_regex(r"[0-9]{6}", fullmatch=True), st.integers(0, 4 * 10**9))
def test_matching_step_is_later_than_the_last_and_within_the_window(code: str, seconds: int) -> None:
    step = matching_step(SECRET, code, at(seconds), 0)
    assert step is None or abs(step - seconds // 30) <= 1


def test_new_secret_is_160_random_bits() -> None:
    one, two = new_secret(), new_secret()
    assert one != two
    assert re.fullmatch(r"[A-Z2-7]{32}", one)


def test_otpauth_uri_is_what_authenticators_read() -> None:
    uri = urlsplit(otpauth_uri(SECRET, "mia+1@example.com", "Firmly: Acme & Söhne"))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert uri.path == "/Firmly%20%20Acme%20%26%20S%C3%B6hne:mia%2B1%40example.com"
    assert parse_qs(uri.query) == {"secret": [SECRET], "issuer": ["Firmly  Acme & Söhne"]}


def test_qr_svg_draws_the_code_with_its_margin() -> None:
    """Drawn again from the picture, module by module, it is the code of the address."""
    uri = otpauth_uri(SECRET, "mia@example.com", "Firmly")
    expected = [[bool(module) for module in row] for row in segno.make_qr(uri, error="m").matrix]
    drawn = modules_of(qr_svg(uri))
    assert len(drawn) == len(expected) + 8
    assert [row[4:-4] for row in drawn[4:-4]] == expected
    assert not any(any(row) for row in drawn[:4] + drawn[-4:])
    assert not any(any(row[:4] + row[-4:]) for row in drawn)


def test_qr_svg_needs_neither_style_nor_script_and_is_dark_on_white_everywhere() -> None:
    svg = qr_svg(otpauth_uri(SECRET, "mia@example.com", "Firmly"))
    root = ElementTree.fromstring(svg)
    side = root.attrib["viewBox"].split()[2]
    ground, code = root.findall("path")
    assert set(root.attrib) == {"viewBox", "class"}
    assert ground.attrib == {"fill": "#fff", "d": f"M0 0h{side}v{side}h-{side}z"}
    assert (set(code.attrib), code.attrib["stroke"]) == ({"stroke", "d"}, "#000")
    assert [child.tag for child in root] == ["title", "path", "path"]


def modules_of(svg: str) -> list[list[bool]]:
    """Follow the strokes of the picture: ``M x y``, ``m dx dy``, ``h length``, each one module thick."""
    root = ElementTree.fromstring(svg)
    side = int(root.attrib["viewBox"].split()[2])
    modules = [[False] * side for _ in range(side)]
    x = y = 0.0
    for move, dx, dy, length in re.findall(r"([Mm])(-?[\d.]+) (-?[\d.]+)h(\d+)", root.findall("path")[1].attrib["d"]):
        x, y = (float(dx), float(dy)) if move == "M" else (x + float(dx), y + float(dy))
        for column in range(int(x), int(x) + int(length)):
            modules[int(y)][column] = True
        x += int(length)
    return modules


def test_new_recovery_codes_are_ten_of_80_random_bits_without_lookalikes() -> None:
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    for code in codes:
        assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", code)
    assert len(set("".join(new_recovery_codes() + codes))) > 20


def test_recovery_hash_is_known_again_however_it_was_copied() -> None:
    kept = recovery_hash("0A1B-2C3D-4E5F-6G7H")
    assert kept is not None
    assert re.fullmatch(r"[0-9a-f]{64}", kept)
    for copy in (
        "0a1b2c3d4e5f6g7h",
        " 0A1B 2C3D 4E5F 6G7H\n",
        "0A1B\u20132C3D\u20114E5F\u22126G7H",
        "oAlB-2C3D-4E5F-6G7H",
        "OAIB-2C3D-4E5F-6G7H",
    ):
        assert recovery_hash(copy) == kept, ascii(copy)
    assert recovery_hash("0A1B-2C3D-4E5F-6G7J") != kept


@pytest.mark.parametrize(
    "code",
    ["", "0A1B-2C3D-4E5F-6G7", "0A1B-2C3D-4E5F-6G7HH", "UUUU-2C3D-4E5F-6G7H", "0A1B-2C3D-4E5F-6G7\u0131", "-" * 200],
    ids=ascii,
)
def test_recovery_hash_of_what_is_no_code_is_none(code: str) -> None:
    assert recovery_hash(code) is None


@given(st.text())
def test_recovery_hash_any_text_is_a_hash_or_none(code: str) -> None:
    assert recovery_hash(code) is None or len(str(recovery_hash(code))) == 64


def test_every_recovery_code_is_known_again() -> None:
    codes = new_recovery_codes()
    assert len({recovery_hash(code) for code in codes} - {None}) == 10


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_box_opens_what_it_sealed(text: str) -> None:
    box = SecretBox([KEY])
    assert box.open(box.seal(text)) == text


def test_box_seals_never_twice_the_same_and_hides_the_text() -> None:
    box = SecretBox([KEY])
    one, two = box.seal(SECRET), box.seal(SECRET)
    assert one != two
    assert SECRET not in one


def test_box_opens_with_older_keys_and_seals_with_the_newest() -> None:
    both, old, new = SecretBox([KEY, OLD_KEY]), SecretBox([OLD_KEY]), SecretBox([KEY])
    assert both.open(old.seal(SECRET)) == SECRET
    assert new.open(both.seal(SECRET)) == SECRET
    assert old.open(both.seal(SECRET)) is None


def test_box_opens_nothing_that_was_changed_or_is_not_its_own() -> None:
    box = SecretBox([KEY])
    sealed = box.seal(SECRET)
    changed = sealed[:-8] + ("A" if sealed[-8] != "A" else "B") + sealed[-7:]
    for token in (changed, sealed[:-1], "", "text", "\u00fc", "\ud800", SecretBox([OLD_KEY]).seal(SECRET)):
        assert box.open(token) is None, ascii(token)


def test_box_opens_what_an_earlier_release_sealed() -> None:
    sealed = (
        "gAAAAABrAtNn3GQppxOF_WWUYNIfqCfVfY6_30xpiMWASk8DYb1AvCVVdNTNtvYQNq-4iN"
        "3s-N5sCz3KbMSoq4c_aACCeVM8mv7VMlOB2jyHSkhU-gVWjtr65cY3SncNUIUmMUWAIBPd"
    )
    assert SecretBox([KEY]).open(sealed) == SECRET


def test_box_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="least one"):
        SecretBox([])


def test_box_key_is_not_the_installations_key_itself() -> None:
    """A key that also signs must not be the one that encrypts."""
    from cryptography.fernet import Fernet, InvalidToken

    raw = Fernet.generate_key().decode()
    with pytest.raises(InvalidToken):
        Fernet(raw).decrypt(SecretBox([raw]).seal(SECRET))
