"""Companies' facts as rows. Every function runs in the caller's transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from firmly.accounts.tables import MemberRow, MembershipRow
from firmly.leads.company_data.facts import CompanyFacts, Fact, OwnerIs, Value
from firmly.leads.tables import CompanyFactsRow
from firmly.model import WorkspaceId

AT_ONCE = 5000
"""Domains in one statement: both databases take as many parameters."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept:
    """A row without its key: what an import compares, and what an undo puts back."""

    industry: str = ""
    size: str = ""
    icp: bool | None = None
    owner: int | None = None
    owner_text: str = ""
    crm_id: str = ""

    def with_values(self, values: Mapping[Fact, Value]) -> "Kept":
        """Return it with what a line says; columns that the file lacks stay as they are."""
        said: dict[str, Any] = {fact.value: value for fact, value in values.items()}
        owner = said.pop(Fact.OWNER.value, None)
        if isinstance(owner, OwnerIs):
            said |= {"owner": owner.membership_id, "owner_text": owner.text}
        return replace(self, **said)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_COLUMNS = (
    CompanyFactsRow.industry,
    CompanyFactsRow.size,
    CompanyFactsRow.icp,
    CompanyFactsRow.owner,
    CompanyFactsRow.owner_text,
    CompanyFactsRow.crm_id,
)


def in_pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def kept_of(db: Session, workspace_id: WorkspaceId, domains: Iterable[str]) -> dict[str, Kept]:
    """Return what is kept of these domains; absent: nothing."""
    found: dict[str, Kept] = {}
    for some in in_pieces(sorted(domains)):
        query = select(CompanyFactsRow.domain, *_COLUMNS).where(
            CompanyFactsRow.workspace_id == workspace_id, CompanyFactsRow.domain.in_(some)
        )
        found |= {
            domain: Kept(industry, size, icp, owner, owner_text, crm_id)
            for domain, industry, size, icp, owner, owner_text, crm_id in db.execute(query)
        }
    return found


def put(db: Session, workspace_id: WorkspaceId, facts: Mapping[str, Kept | None]) -> None:
    """Write these in the place of what is kept; None: nothing. An owner whose place has ended is nobody."""
    places = places_of(db, workspace_id)
    for some in in_pieces(list(facts)):
        db.execute(
            delete(CompanyFactsRow).where(
                CompanyFactsRow.workspace_id == workspace_id, CompanyFactsRow.domain.in_(some)
            )
        )
        rows = []
        for domain in some:
            kept = facts[domain]
            if kept is not None:
                stands = kept if kept.owner in places else replace(kept, owner=None)
                rows.append({"workspace_id": workspace_id, "domain": domain, **stands.as_json()})
        if rows:
            db.execute(insert(CompanyFactsRow), rows)


def places_of(db: Session, workspace_id: WorkspaceId) -> set[int]:
    return set(db.scalars(select(MembershipRow.id).where(MembershipRow.workspace_id == workspace_id)))


def places_by_email(db: Session, workspace_id: WorkspaceId) -> dict[str, int]:
    query = (
        select(MemberRow.email, MembershipRow.id)
        .join(MembershipRow, MembershipRow.member_id == MemberRow.id)
        .where(MembershipRow.workspace_id == workspace_id)
    )
    return {email.lower(): number for email, number in db.execute(query)}


def names_by_place(db: Session, workspace_id: WorkspaceId) -> dict[int, str]:
    query = (
        select(MembershipRow.id, MemberRow.name)
        .join(MemberRow, MembershipRow.member_id == MemberRow.id)
        .where(MembershipRow.workspace_id == workspace_id)
    )
    return {number: name for number, name in db.execute(query)}  # noqa: C416  # Rows are no pairs to mypy.


def facts_of(db: Session, workspace_id: WorkspaceId, domains: Iterable[str]) -> dict[str, CompanyFacts]:
    found: dict[str, CompanyFacts] = {}
    for some in in_pieces(sorted(domains)):
        query = (
            select(CompanyFactsRow.domain, *_COLUMNS, MemberRow.name)
            .outerjoin(MembershipRow, CompanyFactsRow.owner == MembershipRow.id)
            .outerjoin(MemberRow, MembershipRow.member_id == MemberRow.id)
            .where(CompanyFactsRow.workspace_id == workspace_id, CompanyFactsRow.domain.in_(some))
        )
        for domain, industry, size, icp, _place, owner_text, crm_id, name in db.execute(query):
            found[domain] = CompanyFacts(industry, size, icp, name or owner_text, crm_id)
    return found
