"""The operator's file of rules as it is now, for those who read history through it."""

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path

from firmly.model import FirmlyError
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.overrides import Overrides, read_overrides
from firmly.organisations.resolve import state_of

log = logging.getLogger(__name__)


class RulesFile:
    """Reads the file again when it has changed; one that cannot be used leaves the last rules in force.

    Raises:
        FirmlyError: when made, where the file cannot be used.
    """

    def __init__(self, path: Path, forms: LegalForms, today: Callable[[], date]) -> None:
        self._path = path
        self._forms = forms
        self._today = today
        self._seen = state_of(path)
        self._rules = read_overrides(path, forms, today())

    def __call__(self) -> Overrides:
        state = state_of(self._path)
        if state != self._seen:
            self._seen = state
            try:
                self._rules = read_overrides(self._path, self._forms, self._today())
            except FirmlyError as error:  # It names the file and the rule.
                log.error("the operator's rules could not be read again: %s", error)
        return self._rules
