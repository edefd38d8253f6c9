"""Static files, read once into memory and served under an address that names their content.

The digest covers the whole folder, so that files may refer to each other by relative addresses.
Only files that were there at start are ever served: a path from a request is a key, not a file name.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

IMMUTABLE = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
_COMPRESSED = frozenset({".js", ".css", ".svg"})


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; ``gzipped`` is None where compressing does not pay."""

    media_type: str
    body: bytes
    gzipped: bytes | None


class Assets:
    """The files below ``folder``, as they were when this was made."""

    def __init__(self, folder: Path, prefix: str) -> None:
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        self._assets = {name: _read(path) for name, path in files.items()}
        self.digest = _digest(self._assets)
        self._prefix = prefix

    def url(self, name: str) -> str:
        """Return the address of the file ``name``.

        Raises:
            KeyError: there is no such file; a template names it wrongly.
        """
        if name not in self._assets:
            raise KeyError(name)
        return f"{self._prefix}/static/{self.digest}/{name}"

    def weight(self, name: str) -> int:
        """Return how many bytes of the file ``name`` travel to a browser that takes gzip."""
        asset = self._assets[name]
        return len(asset.gzipped or asset.body)

    async def serve(self, request: Request) -> Response:
        asset = self._assets.get(request.path_params["name"])
        if asset is None or request.path_params["digest"] != self.digest:
            raise HTTPException(404)
        headers = {"cache-control": IMMUTABLE, "vary": "accept-encoding"}
        if asset.gzipped and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(asset.gzipped, media_type=asset.media_type, headers=headers | {"content-encoding": "gzip"})
        return Response(asset.body, media_type=asset.media_type, headers=headers)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "text/plain"
    return Asset(media_type, body, gzip.compress(body, mtime=0) if path.suffix in _COMPRESSED else None)


def _digest(assets: dict[str, Asset]) -> str:
    total = hashlib.sha256()
    for name, asset in assets.items():
        total.update(f"{name}\n{len(asset.body)}\n".encode() + asset.body)
    return total.hexdigest()[:16]
