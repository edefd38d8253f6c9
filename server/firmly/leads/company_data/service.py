"""The team's own data about companies: imported from files, undone, deleted, and asked for by domain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session, aliased

from firmly.accounts.audit import Action, record
from firmly.accounts.database import ControlPlane
from firmly.accounts.roles import Right
from firmly.accounts.scope import Scope
from firmly.accounts.tables import MemberRow, MembershipRow
from firmly.leads.company_data.fact_rows import Kept, facts_of, in_pieces, kept_of, names_by_place, places_by_email, put
from firmly.leads.company_data.facts import CompanyFacts, Fact, normal_domain
from firmly.leads.company_data.reading import Columns, CompanyLine, Reading, guessed_columns, read_companies
from firmly.leads.company_data.table import Table, read_table
from firmly.leads.company_data.uploads import drop_uploads, find_upload, forget_uploads, put_upload
from firmly.leads.record import folded
from firmly.leads.tables import CompanyFactsRow, CompanyImportChangeRow, CompanyImportRow
from firmly.model import Clock, InvalidInputError, NotFoundError, Problem

MAX_COMPANIES = 200_000
"""Of one workspace."""
UNDOABLE = 20
"""The newest imports that can be undone: what older ones changed is not kept."""
MAX_SHOWN = 100

ImportId = NewType("ImportId", int)


@dataclass(frozen=True, slots=True)
class CompanyImport:
    """``author`` is None once they have left. ``may_undo`` is false once undone, and for what is too old."""

    id: ImportId
    file_name: str
    author: str | None
    created_at: datetime
    added: int
    changed: int
    unchanged: int
    refused: int
    undone_at: datetime | None
    may_undo: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would read; ``columns`` is what was asked for, else what the heads say.

    ``owners`` has the names of members by their place in the workspace.
    """

    upload_id: str
    file_name: str
    table: Table
    columns: Columns
    reading: Reading
    owners: Mapping[int, str]


class CompanyData:
    """Blocking; safe to use from several threads.

    To bring data takes EDIT_LEADS and READ_ALL_LEADS: whoever is restricted to feeds could lead more companies
    into them. To read it takes READ_LEADS. Else NotAllowedError.
    """

    def __init__(self, control_plane: ControlPlane, clock: Clock) -> None:
        self._control_plane = control_plane
        self._clock = clock

    def upload(self, scope: Scope, file_name: str, content: bytes) -> str:
        """Keep a file for an hour and return the name that this session finds it by.

        Raises InvalidInputError: it cannot be read.
        """
        _require(scope)
        read_table(content)
        with self._control_plane.session() as db:
            return put_upload(db, scope, file_name, content, self._clock())

    def preview(self, scope: Scope, upload_id: str, columns: Columns | None = None) -> Preview:
        """Return what an import would read, and change nothing.

        Where the heads do not name the domain's column the reading is empty.

        Raises InvalidInputError: the file is gone, or the columns are of no use.
        """
        _require(scope)
        with self._control_plane.reading() as db:
            upload = find_upload(db, scope, upload_id, self._clock())
            members = places_by_email(db, scope.workspace_id)
            owners = names_by_place(db, scope.workspace_id)
        table = read_table(upload.content)
        usable = guessed_columns(table.heads) if columns is None else columns
        is_unknown = columns is None and Fact.DOMAIN not in usable
        reading = Reading() if is_unknown else read_companies(table, usable, members)
        return Preview(upload_id, upload.file_name, table, usable, reading, owners)

    def bring(self, scope: Scope, upload_id: str, columns: Columns) -> CompanyImport:
        """Import a file: each company that can be read gets what its line says; the file is deleted.

        Raises InvalidInputError: the file is gone, the columns are of no use, or there would be too many companies.
        """
        found, now = self.preview(scope, upload_id, columns), self._clock()
        with self._control_plane.session() as db:
            find_upload(db, scope, upload_id, now)  # Sent twice, it is imported once.
            number = _write_import(db, scope, found, now)
            drop_uploads(db, scope)
            made = self._imports(db, scope, number)[0]
            detail = {"companies": made.added + made.changed}
            record(db, scope.workspace_id, scope.actor, Action.COMPANY_DATA_IMPORTED, now, f"import {number}", detail)
        return made

    def imports(self, scope: Scope) -> tuple[CompanyImport, ...]:
        """Return the last hundred imports, newest first."""
        _require(scope)
        with self._control_plane.reading() as db:
            return self._imports(db, scope)

    def undo(self, scope: Scope, import_id: ImportId) -> CompanyImport:
        """Give every company that an import changed what it had before.

        Raises:
            NotFoundError: there is no such import, or it is undone already.
            InvalidInputError: a later import changed some of the same companies, or this one is too old.
        """
        _require(scope)
        now = self._clock()
        with self._control_plane.session() as db:
            made = next((one for one in self._imports(db, scope, import_id) if one.undone_at is None), None)
            if made is None:
                raise NotFoundError
            _require_undoable(db, scope, made)
            before = _before(db, scope, import_id)
            put(db, scope.workspace_id, before)
            _forget_changes(db, [import_id])
            db.execute(update(CompanyImportRow).where(CompanyImportRow.id == import_id).values(undone_at=now))
            detail = {"companies": len(before)}
            record(db, scope.workspace_id, scope.actor, Action.COMPANY_DATA_UNDONE, now, f"import {import_id}", detail)
        return made

    def delete_all(self, scope: Scope) -> int:
        """Delete all that was imported, with the history of imports; return of how many companies something was."""
        _require(scope)
        own = scope.workspace_id
        with self._control_plane.session() as db:
            companies = _count(db, scope)
            db.execute(delete(CompanyFactsRow).where(CompanyFactsRow.workspace_id == own))
            db.execute(delete(CompanyImportChangeRow).where(CompanyImportChangeRow.workspace_id == own))
            db.execute(delete(CompanyImportRow).where(CompanyImportRow.workspace_id == own))
            drop_uploads(db, scope)
            detail = {"companies": companies}
            record(db, own, scope.actor, Action.COMPANY_DATA_DELETED, self._clock(), "", detail)
        return companies

    def count(self, scope: Scope) -> int:
        """Return of how many companies something was imported."""
        _require(scope)
        with self._control_plane.reading() as db:
            return _count(db, scope)

    def of(self, scope: Scope, domains: Iterable[str]) -> dict[str, CompanyFacts]:
        """Return what the team's data says of companies, by the domain that was asked for; absent: nothing."""
        scope.require(Right.READ_LEADS)
        asked = {given: domain for given in domains if (domain := normal_domain(given))}
        with self._control_plane.reading() as db:
            found = facts_of(db, scope.workspace_id, set(asked.values()))
        return {given: found[domain] for given, domain in asked.items() if domain in found}

    def domains_with(self, scope: Scope, field: str, values: Sequence[str]) -> frozenset[str]:
        """Return the domains whose ``industry``, ``size`` or ``crm`` is one of ``values`` in any case, or whose ``icp``
        is: there the values are ``yes`` and ``no``."""
        scope.require(Right.READ_LEADS)
        column, wanted = _column(field), {folded(value) for value in values}
        with self._control_plane.reading() as db:
            if field == "icp":
                meant: list[Any] = [word == "yes" for word in ("yes", "no") if word in wanted]
            else:
                own = CompanyFactsRow.workspace_id == scope.workspace_id
                every = db.scalars(select(column).where(own).distinct())
                meant = sorted(value for value in every if folded(value) in wanted)
            return frozenset(one for some in in_pieces(meant) for one in _domains(db, scope, column.in_(some)))

    def domains_with_any(self, scope: Scope, field: str) -> frozenset[str]:
        """Return the domains of which ``industry``, ``size``, ``crm`` or ``icp`` is known."""
        scope.require(Right.READ_LEADS)
        column = _column(field)
        with self._control_plane.reading() as db:
            return frozenset(_domains(db, scope, column.is_not(None) if field == "icp" else column != ""))

    def texts(self, scope: Scope, field: str) -> dict[str, str]:
        """Return every domain's ``industry``, ``size`` or ``owner`` (a name), where it is known."""
        scope.require(Right.READ_LEADS)
        name = func.coalesce(MemberRow.name, CompanyFactsRow.owner_text)
        column = name if field == "owner" else _column(field)
        query = (
            select(CompanyFactsRow.domain, column)
            .outerjoin(MembershipRow, CompanyFactsRow.owner == MembershipRow.id)
            .outerjoin(MemberRow, MembershipRow.member_id == MemberRow.id)
            .where(CompanyFactsRow.workspace_id == scope.workspace_id, column != "")
        )
        with self._control_plane.reading() as db:
            return {domain: text for domain, text in db.execute(query)}  # noqa: C416  # Rows are no pairs to mypy.

    def forget_uploads(self) -> None:
        """Delete the files that nobody imported within the hour, of all workspaces: a job's."""
        with self._control_plane.session() as db:
            forget_uploads(db, self._clock())

    def _imports(self, db: Session, scope: Scope, only: int | None = None) -> tuple[CompanyImport, ...]:
        query = (
            select(CompanyImportRow, MemberRow.name)
            .outerjoin(MemberRow, CompanyImportRow.author == MemberRow.id)
            .where(CompanyImportRow.workspace_id == scope.workspace_id)
            .order_by(CompanyImportRow.id.desc())
            .limit(MAX_SHOWN)
        )
        if only is not None:
            query = query.where(CompanyImportRow.id == only)
        return tuple(_import(row, author) for row, author in db.execute(query))


def _require(scope: Scope) -> None:
    scope.require(Right.EDIT_LEADS)
    scope.require(Right.READ_ALL_LEADS)


def _write_import(db: Session, scope: Scope, found: Preview, now: datetime) -> ImportId:
    lines = found.reading.companies
    before = kept_of(db, scope.workspace_id, [one.domain for one in lines])
    after = {one.domain: _after(before, one) for one in lines}
    different = {domain: kept for domain, kept in after.items() if before.get(domain) != kept}
    added = sum(domain not in before for domain in after)
    if added and _count(db, scope) + added > MAX_COMPANIES:
        problem = Problem("file", str(added), f"at most {MAX_COMPANIES:,} companies in all; delete some first")
        raise InvalidInputError("this file is too much", [problem])
    row = CompanyImportRow(
        workspace_id=scope.workspace_id,
        file_name=found.file_name,
        author=scope.author,
        created_at=now,
        added=added,
        changed=len(different) - added,
        unchanged=len(after) - len(different),
        refused=found.reading.refused,
        may_undo=True,
    )
    db.add(row)
    db.flush()
    put(db, scope.workspace_id, different)
    changes = [
        {
            "import_id": row.id,
            "domain": domain,
            "workspace_id": scope.workspace_id,
            "before": before[domain].as_json() if domain in before else None,
        }
        for domain in different
    ]
    if changes:
        db.execute(insert(CompanyImportChangeRow), changes)
    _forget_old_changes(db, scope)
    return ImportId(row.id)


def _after(before: dict[str, Kept], line: CompanyLine) -> Kept:
    return before.get(line.domain, Kept()).with_values(line.values)


def _require_undoable(db: Session, scope: Scope, made: CompanyImport) -> None:
    if not made.may_undo:
        problem = Problem("import", made.file_name, f"one of the last {UNDOABLE} imports that stand")
        raise InvalidInputError("this import cannot be undone", [problem])
    mine, later = CompanyImportChangeRow, aliased(CompanyImportChangeRow)
    companies, last = db.execute(
        select(func.count(), func.max(later.import_id))
        .select_from(mine)
        .join(later, (mine.workspace_id == later.workspace_id) & (mine.domain == later.domain))
        .where(mine.workspace_id == scope.workspace_id, mine.import_id == made.id, later.import_id > made.id)
    ).one()
    if companies:
        name = db.scalar(select(CompanyImportRow.file_name).where(CompanyImportRow.id == last)) or ""
        expected = f'an import whose companies no later one changed; undo "{name}" (import {last}) first'
        raise InvalidInputError("this import cannot be undone yet", [Problem("import", made.file_name, expected)])


def _before(db: Session, scope: Scope, import_id: int) -> dict[str, Kept | None]:
    query = select(CompanyImportChangeRow.domain, CompanyImportChangeRow.before).where(
        CompanyImportChangeRow.workspace_id == scope.workspace_id, CompanyImportChangeRow.import_id == import_id
    )
    return {domain: None if before is None else Kept(**before) for domain, before in db.execute(query)}


def _forget_old_changes(db: Session, scope: Scope) -> None:
    """Keep what was before for the newest imports only: those before them stand for good."""
    query = (
        select(CompanyImportRow.id)
        .where(CompanyImportRow.workspace_id == scope.workspace_id, CompanyImportRow.may_undo.is_(True))
        .order_by(CompanyImportRow.id.desc())
        .offset(UNDOABLE)
    )
    _forget_changes(db, db.scalars(query).all())


def _forget_changes(db: Session, import_ids: Sequence[int]) -> None:
    db.execute(delete(CompanyImportChangeRow).where(CompanyImportChangeRow.import_id.in_(import_ids)))
    db.execute(update(CompanyImportRow).where(CompanyImportRow.id.in_(import_ids)).values(may_undo=False))


def _count(db: Session, scope: Scope) -> int:
    query = select(func.count()).select_from(CompanyFactsRow).where(CompanyFactsRow.workspace_id == scope.workspace_id)
    return db.scalar(query) or 0


def _column(field: str) -> Any:
    columns = {
        "industry": CompanyFactsRow.industry,
        "size": CompanyFactsRow.size,
        "crm": CompanyFactsRow.crm_id,
        "icp": CompanyFactsRow.icp,
    }
    if field not in columns:
        raise ValueError(field)
    return columns[field]


def _domains(db: Session, scope: Scope, condition: Any) -> Iterable[str]:
    own = CompanyFactsRow.workspace_id == scope.workspace_id
    return db.scalars(select(CompanyFactsRow.domain).where(own, condition)).all()


def _import(row: CompanyImportRow, author: str | None) -> CompanyImport:
    return CompanyImport(
        ImportId(row.id),
        row.file_name,
        author,
        row.created_at,
        row.added,
        row.changed,
        row.unchanged,
        row.refused,
        row.undone_at,
        row.may_undo,
    )
