"""The settings of a workspace: identity, billing, rules of sign-in, and its end."""

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.scope import MemberScope
from firmly.accounts.workspaces import KEPT_AFTER_CANCELLATION, Workspace
from firmly.model import FirmlyError, InvalidInputError, Problem
from firmly.web.forms import Form
from firmly.web.parts import Parts

SETTINGS = "/app/settings"
USAGE_DAYS = 30

IDENTITY = ("name", "controller", "contact", "region", "time_zone")
BILLING = ("plan", "vat_id", "billing_address", "billing_reference")
SWITCHES = ("requires_second_factor", "counts_usage")


def settings(
    parts: Parts,
    request: Request,
    scope: MemberScope,
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
    shown: Workspace | None = None,
) -> Response:
    """Show the settings; ``shown`` are values that were refused, to be mended."""
    since = (parts.clock() - KEPT_AFTER_CANCELLATION).date()
    return parts.pages.page(
        request,
        "settings.html",
        scope,
        status,
        workspace=shown or parts.accounts.workspaces.of(scope),
        state=parts.accounts.workspaces.state(scope),
        has_second_factor=parts.sessions.has_second_factor(request),
        usage=parts.accounts.usage.of(scope, since),
        problems=problems,
        done=request.query_params.get("done", ""),
    )


def change_settings(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Change what one form of the page is about; fields that the form does not have stay as they are."""
    now = parts.accounts.workspaces.of(scope)
    said: dict[str, str | bool] = {key: given[key] for key in (*IDENTITY, *BILLING) if key in given}
    if "billing_address" in said:
        said["billing_address"] = given["billing_address"].replace("\r\n", "\n")
    if given["form"] == "rules":
        said |= {key: given[key] == "on" for key in SWITCHES}
    wanted = replace(now, **said)  # type: ignore[arg-type]  # Keys and kinds are those of the lists above.
    try:
        if wanted.requires_second_factor and not parts.sessions.has_second_factor(request):
            problem = Problem("requires_second_factor", "on", "that you have set up your own second factor first")
            raise InvalidInputError("these settings cannot be used", [problem])
        parts.accounts.workspaces.change(scope, wanted)
    except InvalidInputError as error:
        return settings(parts, request, scope, status=422, problems=error.problems, shown=wanted)
    return RedirectResponse(f"{SETTINGS}?done={given['form'] or 'identity'}", 303)


def cancel(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    """Cancel the workspace, for whoever types its name."""
    if given["name"] != scope.workspace_name:
        raise FirmlyError("type the workspace's name to cancel it; nothing was changed")
    parts.accounts.workspaces.cancel(scope)
    return RedirectResponse(f"{SETTINGS}?done=cancelled", 303)


def reactivate(parts: Parts, _request: Request, scope: MemberScope, _given: Form) -> Response:
    parts.accounts.workspaces.reactivate(scope)
    return RedirectResponse(f"{SETTINGS}?done=reactivated", 303)
