"""`firmly mcp`: lets an assistant read a workspace through its API."""

from firmly import __version__
from firmly.cli.environment import settings_in_force
from firmly.model import FirmlyError
from firmly.settings import is_loopback

EXTRA = frozenset({"mcp", "mcp_types"})


def serve_mcp() -> None:
    """Let an assistant read a workspace: an MCP server on standard input and output (docs/MCP.md)."""
    settings = settings_in_force()
    if not settings.mcp_token:
        raise FirmlyError("FIRMLY_MCP_TOKEN='': expected an API token with the scope read_leads (docs/MCP.md)")
    url = settings.mcp_url or settings.base_url
    if not url.startswith("https://") and not is_loopback(url):
        raise FirmlyError(f"FIRMLY_BASE_URL={url!r}: expected https, or this machine: the token would go in the open")
    try:
        from firmly.mcp.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        raise FirmlyError("firmly mcp needs more packages: pip install 'firmly[mcp]'") from None
    serve(url, settings.mcp_token, __version__)
