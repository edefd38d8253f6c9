"""The consent token: the same bytes for the same choice, two days at most, and nobody's but ours."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from firmly.consent.token import KNOWN_TOKENS, ConsentToken, ConsentTokens
from firmly.model import OPTIONAL, Category, SiteKey
from tests.unit.consent.conftest import NEW, OLD

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SITE = SiteKey("examplesite")
BANNER = "ab" * 32
STATISTICS = frozenset({Category.STATISTICS})
ALL = frozenset(OPTIONAL)


def issue(tokens: ConsentTokens, now: datetime = NOON) -> str:
    return tokens.issue(SITE, STATISTICS, BANNER, now)[0]


def test_token_says_what_was_agreed_and_until_when() -> None:
    tokens = ConsentTokens([NEW])
    text, expires_at = tokens.issue(SITE, STATISTICS, BANNER, NOON)
    assert tokens.read(text) == ConsentToken(SITE, STATISTICS, BANNER, NOON.date())
    assert expires_at == datetime(2026, 11, 22, tzinfo=UTC)


def test_tokens_of_the_same_choice_on_the_same_day_are_the_same_bytes() -> None:
    """It identifies nobody: not by order, time of day, object or process."""
    orders = [OPTIONAL, OPTIONAL[::-1], (OPTIONAL[1], OPTIONAL[2], OPTIONAL[0])]
    moments = [NOON.replace(hour=0), NOON, NOON.replace(hour=23, minute=59, second=59)]
    texts = {ConsentTokens([NEW]).issue(SITE, frozenset(order), BANNER, now)[0] for order in orders for now in moments}
    assert len(texts) == 1


def test_categories_stand_in_one_order() -> None:
    """A set's own order differs from process to process."""
    tokens = ConsentTokens([NEW])
    for count in range(1, len(OPTIONAL) + 1):
        for granted in combinations(OPTIONAL, count):
            text = tokens.issue(SITE, frozenset(granted), BANNER, NOON)[0]
            assert tokens._serializer.loads(text) == {"s": SITE, "c": [*granted], "b": BANNER, "d": "2026-11-20"}


def test_tokens_differ_by_site_choice_banner_and_day() -> None:
    tokens = ConsentTokens([NEW])
    texts = {
        tokens.issue(SITE, STATISTICS, BANNER, NOON)[0],
        tokens.issue(SiteKey("othersite"), STATISTICS, BANNER, NOON)[0],
        tokens.issue(SITE, ALL, BANNER, NOON)[0],
        tokens.issue(SITE, STATISTICS, "cd" * 32, NOON)[0],
        tokens.issue(SITE, STATISTICS, BANNER, NOON + timedelta(days=1))[0],
    }
    assert len(texts) == 5


@pytest.mark.parametrize(
    ("now", "is_valid"),
    [
        (datetime(2026, 11, 19, 23, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 20, 0, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 11, 22, 0, 0, tzinfo=UTC), False),
        (datetime(2027, 11, 20, 12, 0, tzinfo=UTC), False),
    ],
    ids=str,
)
def test_token_holds_on_its_day_and_the_next(now: datetime, is_valid: bool) -> None:
    tokens = ConsentTokens([NEW])
    read = tokens.read(issue(tokens))
    assert read is not None
    assert read.is_valid(SITE, now) is is_valid
    assert not read.is_valid("othersite", now)


@given(st.data())
def test_altered_token_is_not_ours(data: st.DataObject) -> None:
    tokens = ConsentTokens([NEW])
    text = issue(tokens)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda character: character != text[place]))
    read = ConsentTokens([NEW]).read(text[:place] + other + text[place + 1 :])
    # The last character of base64 has bits that say nothing: another spelling of the same signature.
    assert read is None or (place == len(text) - 1 and read == tokens.read(text))


@given(st.text(max_size=200))
def test_any_text_is_survived(text: str) -> None:
    assert ConsentTokens([NEW]).read(text) is None


@pytest.mark.parametrize("text", ["", ".", "..", "a.b", "\udcff", "\0", "x" * 1024, ".eJw.x"], ids=repr)
def test_odd_text_is_survived(text: str) -> None:
    assert ConsentTokens([NEW]).read(text) is None


def test_token_with_another_key_salt_or_signer_is_not_ours() -> None:
    content = {"s": SITE, "c": ["statistics"], "b": BANNER, "d": "2026-11-20"}
    forged = [
        issue(ConsentTokens([OLD])),
        str(URLSafeSerializer(NEW, salt="another").dumps(content)),
        str(URLSafeSerializer(NEW).dumps(content)),
        str(URLSafeTimedSerializer(NEW, salt="firmly.consent-token.v1").dumps(content)),
    ]
    assert [ConsentTokens([NEW]).read(text) for text in forged] == [None] * 4


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        "text",
        7,
        None,
        {"s": SITE, "c": ["all"], "b": BANNER, "d": "2026-11-20"},
        {"s": SITE, "c": ["statistics"], "b": BANNER, "d": "soon"},
        {"s": SITE, "c": 5, "b": BANNER, "d": "2026-11-20"},
    ],
    ids=str,
)
def test_signed_content_of_another_shape_is_no_consent(content: object) -> None:
    """As a newer release might issue it, with the same key."""
    tokens = ConsentTokens([NEW])
    text = tokens._serializer.dumps(content)
    assert tokens.read(text if isinstance(text, str) else text.decode()) is None


def test_old_key_still_reads_and_the_newest_signs() -> None:
    before, rotated, after = ConsentTokens([OLD]), ConsentTokens([NEW, OLD]), ConsentTokens([NEW])
    assert rotated.read(issue(before)) == before.read(issue(before))
    assert issue(rotated) == issue(after)
    assert after.read(issue(before)) is None


def test_memory_of_read_tokens_is_bounded() -> None:
    tokens = ConsentTokens([NEW])
    texts = [tokens.issue(SiteKey(f"site{number}"), STATISTICS, BANNER, NOON)[0] for number in range(KNOWN_TOKENS + 3)]
    for text in texts:
        assert tokens.read(text) is tokens.read(text)
    assert len(tokens._known) == KNOWN_TOKENS
    assert tokens.read(texts[0]) is not None
