"""Every address of the pages, with the right that it takes: the table that the matrix test walks."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from firmly.accounts.roles import Right
from firmly.web import (
    account_pages,
    audit_pages,
    company_data_pages,
    correction_pages,
    disclosure_pages,
    export_pages,
    feed_pages,
    lead_pages,
    live_pages,
    overview_pages,
    record_pages,
    score_pages,
    signing,
    site_pages,
    team_pages,
    token_pages,
    welcome_pages,
    workspace_pages,
)
from firmly.web.account_pages import Unsubscribing
from firmly.web.assets import Assets
from firmly.web.door import (
    AccountForm,
    AccountPage,
    MemberForm,
    MemberPage,
    MemberStream,
    MemberUpload,
    for_account,
    for_account_forms,
    for_forms,
    for_members,
    for_streams,
    for_uploads,
)
from firmly.web.invitation_pages import Inviting
from firmly.web.news import tell_news
from firmly.web.parts import Parts
from firmly.web.provider_pages import Providing
from firmly.web.reset_pages import Resetting
from firmly.web.sessions import HOME
from firmly.web.signing import Signing

MEMBER_PAGES: tuple[tuple[str, MemberPage, Right | frozenset[Right]], ...] = (
    ("/leads", lead_pages.leads, Right.READ_LEADS),
    ("/leads/compared", lead_pages.compared, Right.READ_LEADS),
    ("/leads/export", lead_pages.export_leads, Right.READ_LEADS),
    ("/leads/{org_id}", lead_pages.company, Right.READ_LEADS),
    ("/leads/{org_id}/reach", correction_pages.reach, Right.CORRECT),
    ("/corrections", correction_pages.corrections, Right.READ_ALL_LEADS),
    ("/company-data", company_data_pages.company_data, Right.EDIT_LEADS),
    ("/company-data/preview", company_data_pages.preview, Right.EDIT_LEADS),
    ("/feeds", feed_pages.feeds, Right.READ_LEADS),
    ("/feeds/{feed_id}", feed_pages.feed, Right.READ_LEADS),
    ("/feeds/{feed_id}/count", feed_pages.feed_count, Right.READ_LEADS),
    ("/score", score_pages.score, Right.READ_ALL_LEADS),
    ("/overview", overview_pages.overview, Right.READ_ALL_LEADS),
    ("/overview/export", overview_pages.export_overview, Right.READ_ALL_LEADS),
    ("/live", live_pages.live, Right.READ_LEADS),
    ("/coverage", site_pages.coverage, Right.READ_ALL_LEADS),
    ("/exports", export_pages.exports, Right.READ_LEADS),
    ("/exports/file/{job}", export_pages.fetch_export, Right.READ_LEADS),
    ("/sites", site_pages.sites, Right.READ_LEADS),
    ("/sites/new", site_pages.new, Right.INSTRUCT),
    ("/sites/{key}", site_pages.site, Right.INSTRUCT),
    ("/welcome", welcome_pages.welcome, Right.INSTRUCT),
    ("/welcome/first-visit", welcome_pages.first_visit, Right.INSTRUCT),
    ("/team", team_pages.team, Right.MANAGE_TEAM),
    ("/tokens", token_pages.tokens, Right.MANAGE_TOKENS),
    ("/settings", workspace_pages.settings, frozenset({Right.MANAGE_WORKSPACE, Right.OWN})),
    ("/audit", audit_pages.audit, Right.READ_AUDIT),
    ("/audit/export", audit_pages.export_audit, Right.READ_AUDIT),
    ("/letters", audit_pages.letters, Right.READ_AUDIT),
    ("/disclosures", disclosure_pages.disclosures, Right.READ_AUDIT),
)

MEMBER_STREAMS: tuple[tuple[str, MemberStream, Right], ...] = (("/news", tell_news, Right.READ_LEADS),)

MEMBER_FORMS: tuple[tuple[str, MemberForm, Right], ...] = (
    ("/leads/change", record_pages.change_leads, Right.EDIT_LEADS),
    ("/leads/columns", lead_pages.choose_columns, Right.READ_LEADS),
    ("/leads/export", lead_pages.export_selected, Right.READ_LEADS),
    ("/feeds", feed_pages.keep_feed, Right.EDIT_FEEDS),
    ("/feeds/change", feed_pages.change_feed, Right.EDIT_FEEDS),
    ("/feeds/remove", feed_pages.remove_feed, Right.EDIT_FEEDS),
    ("/score", score_pages.change_score, Right.EDIT_FEEDS),
    ("/score/ideal", score_pages.change_ideal, Right.EDIT_FEEDS),
    ("/leads/{org_id}/record", record_pages.change_record, Right.EDIT_LEADS),
    ("/leads/{org_id}/notes", record_pages.add_note, Right.EDIT_LEADS),
    ("/leads/{org_id}/notes/remove", record_pages.remove_note, Right.EDIT_LEADS),
    ("/company-data/import", company_data_pages.bring, Right.EDIT_LEADS),
    ("/company-data/undo", company_data_pages.undo, Right.EDIT_LEADS),
    ("/company-data/delete", company_data_pages.delete_all, Right.EDIT_LEADS),
    ("/corrections", correction_pages.add_correction, Right.CORRECT),
    ("/corrections/remove", correction_pages.remove_correction, Right.CORRECT),
    ("/exports", export_pages.begin_export, Right.READ_LEADS),
    ("/exports/stop", export_pages.stop_export, Right.READ_LEADS),
    ("/sites/new", site_pages.add_site, Right.INSTRUCT),
    ("/sites/{key}", site_pages.change_site, Right.INSTRUCT),
    ("/welcome/workspace", welcome_pages.welcome_workspace, Right.MANAGE_WORKSPACE),
    ("/welcome/site", welcome_pages.welcome_site, Right.INSTRUCT),
    ("/team/invite", team_pages.invite, Right.MANAGE_TEAM),
    ("/team/invitation", team_pages.renew_invitation, Right.MANAGE_TEAM),
    ("/team/revoke", team_pages.revoke_invitation, Right.MANAGE_TEAM),
    ("/team/role", team_pages.change_role, Right.MANAGE_TEAM),
    ("/team/feeds", team_pages.restrict_member, Right.MANAGE_TEAM),
    ("/team/remove", team_pages.remove_member, Right.MANAGE_TEAM),
    ("/team/leave", team_pages.leave, Right.READ_LEADS),
    ("/tokens", token_pages.make_token, Right.MANAGE_TOKENS),
    ("/tokens/revoke", token_pages.revoke_token, Right.MANAGE_TOKENS),
    ("/disclosures", disclosure_pages.add_disclosure, Right.INSTRUCT),
    ("/settings", workspace_pages.change_settings, Right.MANAGE_WORKSPACE),
    ("/settings/cancel", workspace_pages.cancel, Right.OWN),
    ("/settings/reactivate", workspace_pages.reactivate, Right.OWN),
)

MEMBER_UPLOADS: tuple[tuple[str, MemberUpload, Right, int], ...] = (
    ("/company-data/upload", company_data_pages.send_file, Right.EDIT_LEADS, company_data_pages.MAX_UPLOAD_BYTES),
)
"""Forms that bring a file, with how many bytes they may have: the only ones that may be longer than the others."""

ACCOUNT_PAGES: tuple[tuple[str, AccountPage], ...] = (
    ("/account", account_pages.account),
    ("/account/second-factor", account_pages.enrol),
)

ACCOUNT_FORMS: tuple[tuple[str, AccountForm], ...] = (
    ("/account/name", account_pages.change_name),
    ("/account/password", account_pages.change_password),
    ("/account/sessions", account_pages.end_session),
    ("/account/letters", account_pages.choose_letters),
    ("/account/second-factor", account_pages.confirm_enrolment),
    ("/account/second-factor/codes", account_pages.renew_codes),
    ("/account/second-factor/remove", account_pages.remove_second_factor),
    ("/switch", signing.switch),
)


def member_routes(parts: Parts) -> list[Route]:
    """Return what only members reach."""
    return [
        *(Route(path, for_members(parts, page, right), methods=["GET"]) for path, page, right in MEMBER_PAGES),
        *(Route(path, for_streams(parts, stream, right), methods=["GET"]) for path, stream, right in MEMBER_STREAMS),
        *(Route(path, for_forms(parts, form, right), methods=["POST"]) for path, form, right in MEMBER_FORMS),
        *(
            Route(path, for_uploads(parts, form, right), methods=["POST"], max_body_size=most)
            for path, form, right, most in MEMBER_UPLOADS
        ),
        *(Route(path, for_account(parts, page), methods=["GET"]) for path, page in ACCOUNT_PAGES),
        *(Route(path, for_account_forms(parts, form), methods=["POST"]) for path, form in ACCOUNT_FORMS),
    ]


def open_routes(parts: Parts, assets: Assets, providing: Providing) -> list[Route]:
    """Return what everybody reaches: the ways in, and files."""
    signs, resets, invites, leaves = Signing(parts), Resetting(parts), Inviting(parts), Unsubscribing(parts)
    return [
        Route("/", _home),
        Route("/sign-in", signs.show, methods=["GET"]),
        Route("/sign-in", signs.sign_in, methods=["POST"]),
        Route("/second-factor", signs.show_second_factor, methods=["GET"]),
        Route("/second-factor", signs.second_factor, methods=["POST"]),
        Route("/sign-out", signs.sign_out, methods=["POST"]),
        Route("/provider", providing.begin, methods=["GET"]),
        Route("/provider/back", providing.finish, methods=["GET"]),
        Route("/forgotten", resets.show, methods=["GET"]),
        Route("/forgotten", resets.ask, methods=["POST"]),
        Route("/reset/{secret}", resets.show_reset, methods=["GET"]),
        Route("/reset/{secret}", resets.reset, methods=["POST"]),
        Route("/invitation/{secret}", invites.show, methods=["GET"]),
        Route("/invitation/{secret}", invites.answer, methods=["POST"]),
        Route("/unsubscribe/{secret}", leaves.show, methods=["GET"]),
        Route("/unsubscribe/{secret}", leaves.unsubscribe, methods=["POST"]),
        Route("/static/{digest}/{name:path}", assets.serve),
    ]


def _home(_request: Request) -> Response:
    return RedirectResponse(HOME, 303)
