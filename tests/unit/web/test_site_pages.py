"""What a site's page says to paste, and what its history tells of the banner."""

import html
import re
from dataclasses import replace

from firmly.accounts.banner_settings import BannerSettings, Position, Signal
from firmly.web.consent_mode import google_default, source_hash
from tests.town import Firm
from tests.unit.web.conftest import Visitor


def page(member: Visitor, firm: Firm) -> str:
    return html.unescape(member.text(f"/app/sites/{firm.site.key}"))


def test_default_for_google_is_there_where_its_signal_is_sent(member: Visitor, firm: Firm) -> None:
    assert "gtag(" not in page(member, firm)
    banner = BannerSettings(signals=frozenset({Signal.GOOGLE}))
    firm.accounts.sites.change(firm.scope, replace(firm.site, banner=banner))
    shown = page(member, firm)
    assert f'<code id="google-{firm.site.key}"><script>{google_default()}</script></code>' in shown
    assert f'data-copy="google-{firm.site.key}"' in shown
    assert source_hash(google_default()) in shown


def test_default_is_text_and_never_runs_in_the_dashboard(member: Visitor, firm: Firm) -> None:
    banner = BannerSettings(signals=frozenset({Signal.GOOGLE}))
    firm.accounts.sites.change(firm.scope, replace(firm.site, banner=banner))
    assert "<script>" not in member.text(f"/app/sites/{firm.site.key}")


def test_collector_on_another_host_is_explained(member: Visitor, firm: Firm) -> None:
    assert "Safari deletes" in page(member, firm)
    host = re.match(r"https?://[^/]+", str(member.client._client.base_url))
    assert host is not None
    firm.accounts.sites.change(firm.scope, replace(firm.site, origins=(host[0],)))
    assert "Safari deletes" not in page(member, firm)


def test_history_names_what_changed_in_the_banner(member: Visitor, firm: Firm) -> None:
    banner = BannerSettings(position=Position.CORNER, honours_dnt=True)
    firm.accounts.sites.change(firm.scope, replace(firm.site, banner=banner))
    changed = re.search(r'<span class="changed">Banner<span class="muted">([^<]*)<', page(member, firm))
    assert changed is not None
    assert changed[1] == "position, honours dnt"


def test_form_leaves_the_banner_as_it_is(member: Visitor, firm: Firm) -> None:
    banner = BannerSettings(months=12)
    firm.accounts.sites.change(firm.scope, replace(firm.site, banner=banner))
    path = f"/app/sites/{firm.site.key}"
    form = {
        "csrf_token": member.csrf_token(path), "name": "Renamed", "origins": "https://www.firm.example",
        "before_consent": "wait", "controller": "Firm Oy", "privacy_url": "", "language": "en", "query_keys": "",
        "goals": "", "retention_days": "395", "min_confidence": "high", "staff_networks": "",
    }  # fmt: skip
    assert member.client.post(path, form).status_code == 303
    changed = firm.accounts.sites.find(firm.scope, firm.site.key)
    assert changed is not None
    assert (changed.name, changed.banner) == ("Renamed", banner)


def test_language_without_texts_is_refused_in_the_form(member: Visitor, firm: Firm) -> None:
    path = f"/app/sites/{firm.site.key}"
    form = {
        "csrf_token": member.csrf_token(path), "name": "Main site", "origins": "https://www.firm.example",
        "before_consent": "wait", "controller": "Firm Oy", "privacy_url": "", "language": "pt", "query_keys": "",
        "goals": "", "retention_days": "395", "min_confidence": "high", "staff_networks": "",
    }  # fmt: skip
    answer = member.client.post(path, form)
    assert (answer.status_code, "R11" in answer.text) == (422, True)
