"""`firmly mail`: whether letters reach the mail server."""

import typer

from firmly.cli.environment import settings_in_force
from firmly.model import FirmlyError, system_clock

mail = typer.Typer(help="Outgoing mail.", no_args_is_help=True)


@mail.callback()
def _group() -> None:
    """Outgoing mail."""  # Without it typer would make the only command the group itself.


@mail.command("test")
def send_test(address: str) -> None:
    """Send a test letter to ADDRESS."""
    from firmly import packaged
    from firmly.mail.letter import Letter, Template, is_recipient
    from firmly.mail.templates import LetterTemplates
    from firmly.mail.transport import MailError, mail_server

    settings = settings_in_force()
    server = mail_server(settings)
    if server is None:
        raise FirmlyError("FIRMLY_SMTP_URL='': expected the address of a mail server; see docs/SETTINGS.md")
    if not is_recipient(address):
        raise FirmlyError("ADDRESS: expected one e-mail address such as name@example.com")
    letter = Letter(Template.TEST, address, {"link": settings.base_url})
    rendered = LetterTemplates(packaged.dashboards() / "templates" / "mail").render(letter)
    try:
        server.send(server.compose(letter, rendered, system_clock()), address)
    except MailError as error:
        raise FirmlyError(f"FIRMLY_SMTP_URL: {error}") from None
    print(f"The mail server took a test letter for {address}.")
