"""Bytes of the script, gzipped as the collector serves it."""

import gzip

import orjson

from firmly.packaged import snippet


def run() -> dict[str, object]:
    """Return sizes in bytes: the core, and the first layer with one language (English)."""
    folder = snippet()
    core = (folder / "core.js").read_bytes()
    banner = (folder / "banner.js").read_bytes()
    english = orjson.dumps(orjson.loads((folder / "texts.json").read_bytes())["en"])
    return {"core_gzip_bytes": _size(core), "first_layer_gzip_bytes": _size(core + banner + english)}


def _size(data: bytes) -> int:
    return len(gzip.compress(data, 9, mtime=0))
