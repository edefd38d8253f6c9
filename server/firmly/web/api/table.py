"""Every operation of the API, in the order of its description."""

from firmly.web.api import audit, consent, corrections, exports, feeds, leads, overview, records, sites, team, workspace

OPERATIONS = (
    *workspace.OPERATIONS,
    *sites.OPERATIONS,
    *leads.OPERATIONS,
    *feeds.OPERATIONS,
    *overview.OPERATIONS,
    *records.OPERATIONS,
    *exports.OPERATIONS,
    *corrections.OPERATIONS,
    *team.OPERATIONS,
    *audit.OPERATIONS,
    *consent.OPERATIONS,
)
