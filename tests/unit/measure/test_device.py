"""User agents are reduced to families; declared bots are told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmly.measure.device import CACHED, MAX_USER_AGENT, Device, Devices

W = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
PEOPLE = [
    (W + "Chrome/142.0.0.0 Safari/537.36", Device("desktop", "Chrome", "Windows", is_bot=False)),
    (W + "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", Device("desktop", "Edge", "Windows", is_bot=False)),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        Device("desktop", "Firefox", "Linux", is_bot=False),
    ),
    (
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Safari/605.1.15",
        Device("desktop", "Safari", "Mac OS X", is_bot=False),
    ),
    (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {APPLE} Mobile/15E148 Safari/604.1",
        Device("mobile", "Mobile Safari", "iOS", is_bot=False),
    ),
    (
        f"Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) {APPLE} Mobile/15E148 Safari/604.1",
        Device("tablet", "Mobile Safari", "iOS", is_bot=False),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36",
        Device("mobile", "Chrome Mobile", "Android", is_bot=False),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 13; SM-X900) {CHROME} Safari/537.36",
        Device("tablet", "Chrome", "Android", is_bot=False),
    ),
]
BOTS = [
    "",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "curl/8.10.1",
    "python-requests/2.32.3",
    "Wget/1.24.5",
]


@pytest.fixture(scope="module")
def devices() -> Devices:
    return Devices()


@pytest.mark.parametrize(("user_agent", "device"), PEOPLE, ids=[f"{d.kind} {d.browser} {d.os}" for _, d in PEOPLE])
def test_browser(devices: Devices, user_agent: str, device: Device) -> None:
    assert devices.read(user_agent) == device
    assert devices.read(user_agent) == device, "and again, from memory"


@pytest.mark.parametrize("user_agent", BOTS, ids=lambda text: text[:40] or "none")
def test_bot(devices: Devices, user_agent: str) -> None:
    assert devices.read(user_agent).is_bot


def test_what_nobody_knows_is_other_and_no_bot(devices: Devices) -> None:
    assert devices.read("SomethingNew/1.0") == Device("other", "Other", "Other", is_bot=False)


@pytest.mark.parametrize(
    "user_agent",
    [
        "JaneDoe/12.0 CFNetwork/1 Darwin/20",
        "cb007107/1.0.0 CFNetwork/1240.0.4 Darwin/20.6.0",
        "Mozilla/5.0 (X11; JaneOS x86) Gecko/20100101 JaneFox/1.0 Firefox/100",
        "Podcasts-jane/1.0",
    ],
)
def test_name_in_a_header_is_not_taken_for_a_family(devices: Devices, user_agent: str) -> None:
    device = devices.read(user_agent)
    assert device.browser == "Other"
    assert device.os in ("Other", "iOS")


def test_rare_system_is_other(devices: Devices) -> None:
    assert devices.read("Mozilla/5.0 (SymbianOS/9.4; Series60/5.0) Gecko/20100101 Firefox/145.0").os == "Other"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=2000))
def test_any_header_is_survived(devices: Devices, text: str) -> None:
    assert devices.read(text).kind in ("desktop", "mobile", "tablet", "other")


def test_memory_is_bounded_in_number_and_size(devices: Devices) -> None:
    devices.read("x" * (MAX_USER_AGENT + 1))
    for number in range(CACHED + 10):
        devices.read(f"Agent/{number}")
    assert len(devices._known) == CACHED
    assert max(map(len, devices._known)) <= MAX_USER_AGENT
