"""`firmly consent`: the log of choices, handed out and verified. `verify` needs nothing but its files."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from firmly.model import FirmlyError, system_clock

if TYPE_CHECKING:
    from firmly.accounts.site import Site
    from firmly.consent.exports import ConsentExports
    from firmly.consent.verify import Verdict

consent = typer.Typer(help="The verifiable log of visitors' choices (docs/CONSENT.md).", no_args_is_help=True)

SiteKeyArgument = Annotated[str, typer.Argument(metavar="SITE", help="The site's key.")]


@consent.command("export")
def export(site: SiteKeyArgument, file: Annotated[Path, typer.Argument(help="The file to write; - prints.")]) -> None:
    """Write a site's whole log as a bundle that verifies anywhere. It holds hashes of receipts, so treat it as such."""
    with _opened(site) as (exports, found), exports.lines(found) as lines:
        if str(file) == "-":
            sys.stdout.buffer.writelines(lines)
            return
        try:
            with file.open("xb") as out:
                out.writelines(lines)
        except OSError as error:
            raise FirmlyError(f"{file}: expected a file that is not there yet ({error.strerror})") from None


@consent.command("checkpoint")
def checkpoint(site: SiteKeyArgument) -> None:
    """Print the newest checkpoint, made now where today has none: keep it where the operator cannot reach."""
    from firmly.consent.checkpoints import checkpoint_line

    with _opened(site) as (exports, found):
        newest = exports.checkpoint(found)
    if newest is None:
        raise FirmlyError(f"the consent log of {site} has not begun: expected a choice on record")
    print(checkpoint_line(newest))


@consent.command("key")
def show_keys() -> None:
    """Print the fingerprints of the keys that sign, the newest first, to be given to whoever verifies."""
    from firmly.app import prepare_data_dir
    from firmly.app.data_dir import secret_keys
    from firmly.cli.environment import settings_in_force
    from firmly.consent.keys import LogKeys, fingerprint

    settings = settings_in_force()
    prepare_data_dir(settings.data_dir)
    for raw in LogKeys(secret_keys(settings)).public:
        print(fingerprint(raw))


@consent.command("adopt")
def adopt(site: SiteKeyArgument) -> None:
    """Sign on with the present key where the key of a site's log is lost. Verify an export first; it is on record."""
    with _opened(site) as (exports, found):
        exports.adopt(found)
    print(f"The consent log of {site} goes on under the present key.")


@consent.command("verify")
def verify(
    bundle: Annotated[Path, typer.Argument(help="What `firmly consent export` or the API gave.")],
    key: Annotated[
        list[str] | None, typer.Option(help="The fingerprint of a key that may have signed; repeatable.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="A checkpoint or receipt that was kept elsewhere; repeatable.")
    ] = None,
) -> None:
    """Verify a bundle with nothing but its files. Exit status 1 when something does not hold."""
    from firmly.consent.verify import verify as verify_bundle

    trusted = [_fingerprint(one) for one in key or []]
    outside = [one for file in checkpoint or [] for one in _json_in(file)]
    try:
        with bundle.open("rb") as lines:
            verdict = verify_bundle(lines, trusted, outside)
    except OSError as error:
        raise FirmlyError(f"{bundle}: expected a bundle that can be read ({error.strerror})") from None
    _print(verdict)
    if not verdict.holds:
        raise typer.Exit(1)


@contextmanager
def _opened(site: str) -> "Iterator[tuple[ConsentExports, Site]]":
    from firmly.accounts.database import open_control_plane
    from firmly.app import control_plane_url, prepare_data_dir
    from firmly.app.data_dir import secret_keys
    from firmly.cli.environment import settings_in_force
    from firmly.consent.exports import ConsentExports
    from firmly.consent.keys import LogKeys
    from firmly.consent.log import ConsentLog

    settings = settings_in_force()
    prepare_data_dir(settings.data_dir)
    control_plane = open_control_plane(control_plane_url(settings))
    control_plane.migrate()
    try:
        exports = ConsentExports(control_plane, ConsentLog(LogKeys(secret_keys(settings))), system_clock)
        found = exports.site(site)
        if found is None:
            raise FirmlyError(f"SITE={site!r}: expected the key of a site of this installation")
        yield exports, found
    finally:
        control_plane.close()


def _fingerprint(text: str) -> str:
    from re import fullmatch

    digits = text.strip().lower()
    if not fullmatch("[0-9a-f]{64}", digits):
        raise FirmlyError(f"--key={text!r}: expected 64 hexadecimal digits, as `firmly consent key` prints them")
    return digits


def _json_in(file: Path) -> Iterator[dict[str, Any]]:
    """Yield what was kept outside: one object or several, also as a letter's lines broke them.

    Nothing that is compared has a space in it.
    """
    import orjson

    try:
        content = b"".join(file.read_bytes().split())
        said = orjson.loads(b"[" + content.replace(b"}{", b"},{") + b"]")
    except (OSError, orjson.JSONDecodeError):
        raise FirmlyError(f"{file}: expected a checkpoint or a receipt as JSON") from None
    for one in said:
        if not isinstance(one, dict):
            raise FirmlyError(f"{file}: expected a checkpoint or a receipt as JSON")
        yield one


def _plain(text: str) -> str:
    """Escape what is not printable: a bundle is another's, and must neither break a line nor steer a terminal."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _print(verdict: "Verdict") -> None:
    minutes = _plain(f"{verdict.first_minute} to {verdict.last_minute}")
    print(f"site {verdict.site}: {verdict.entries} entries, {minutes}")
    print("  " + _plain(", ".join(f"{count} {kind}" for kind, count in sorted(verdict.kinds.items()))))
    if verdict.erased:
        print(f"  {verdict.erased} payloads were destroyed, each named by an erasure unless a finding says otherwise")
    for fingerprint in verdict.keys:
        print(f"  signed under {fingerprint}")
    if not verdict.is_compared:
        print("  the key was taken from the bundle itself: compare it with what the operator published, or use --key")
    print(f"  {verdict.checkpoints} checkpoints in the bundle, {verdict.points} states from outside compared")
    if not verdict.points:
        print("  nothing from outside was compared: whoever has the key could have written all of this anew")
    if verdict.holds:
        print("It holds.")
        return
    print("It does NOT hold:")
    for finding in verdict.findings:
        print(f"  {_plain(str(finding))}")
