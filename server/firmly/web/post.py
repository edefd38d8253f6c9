"""The letters that pages cause: with links made of this installation's own address, never of a request's."""

from firmly.accounts.scope import Scope
from firmly.accounts.team import Invited
from firmly.mail.letter import Letter, SecondFactorChange, Template, Value
from firmly.mail.outbox import Outbox
from firmly.model import Clock
from firmly.web import member_words


class Post:
    """Puts letters into the outbox. ``base_url`` has no slash at the end."""

    def __init__(self, outbox: Outbox, base_url: str, clock: Clock) -> None:
        self._outbox = outbox
        self._base_url = base_url
        self._clock = clock

    @property
    def can_send(self) -> bool:
        """Whether a mail server is set. Without one links are handed over by hand."""
        return self._outbox.is_configured

    def invitation_link(self, invited: Invited) -> str:
        """Return the link of an invitation: a credential."""
        return f"{self._base_url}/app/invitation/{invited.secret}"

    def invite(self, scope: Scope, invited: Invited, inviter: str) -> None:
        said: dict[str, Value] = {
            "workspace": scope.workspace_name,
            "inviter": inviter,
            "role": member_words.role(invited.role).lower(),
            "link": self.invitation_link(invited),
            "expires_at": invited.expires_at,
        }
        self._outbox.put(Letter(Template.INVITATION, invited.email, said, scope.workspace_id))

    def reset(self, email: str, secret: str) -> None:
        said: dict[str, Value] = {"link": f"{self._base_url}/app/reset/{secret}", "hours": 1}
        self._outbox.put(Letter(Template.PASSWORD_RESET, email, said))

    def password_changed(self, email: str) -> None:
        said: dict[str, Value] = {"changed_at": self._clock(), "link": f"{self._base_url}/app/forgotten"}
        self._outbox.put(Letter(Template.PASSWORD_CHANGED, email, said))

    def second_factor_changed(self, email: str, change: SecondFactorChange) -> None:
        said: dict[str, Value] = {
            "change": change,
            "changed_at": self._clock(),
            "link": f"{self._base_url}/app/account",
        }
        self._outbox.put(Letter(Template.SECOND_FACTOR_CHANGED, email, said))
