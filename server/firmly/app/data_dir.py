"""The data directory: made private, with the installation's key and a temporary folder per process."""

import fcntl
import os
import secrets
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from firmly.model import FirmlyError
from firmly.settings import Settings


def prepare_data_dir(data_dir: Path) -> None:
    """Make the data directory, private.

    Raises:
        FirmlyError: it cannot be made.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise FirmlyError(
            f"FIRMLY_DATA_DIR={str(data_dir)!r}: expected a folder to write in ({error.strerror})"
        ) from None


def keep_temporary_files_in(data_dir: Path) -> None:
    """Let temporary files of this process lie in a folder of its own, and remove those of dead processes.

    clickhouse-connect hands chDB its blocks through temporary files; none is left in a shared place.
    The folder stays locked for as long as the process lives, which tells others that it is in use.

    Raises:
        FirmlyError: the folder cannot be made.
    """
    everybody = data_dir / "tmp"
    try:
        everybody.mkdir(exist_ok=True, mode=0o700)
        for folder in everybody.iterdir():
            _remove_if_left_over(folder)
        own = Path(tempfile.mkdtemp(dir=everybody))
        fcntl.flock(os.open(own, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), fcntl.LOCK_EX)
    except OSError as error:
        raise FirmlyError(f"{everybody}: expected a folder to write in ({error.strerror})") from None
    tempfile.tempdir = str(own)


def _remove_if_left_over(folder: Path) -> None:
    if not folder.is_dir():
        folder.unlink(missing_ok=True)
        return
    with suppress(BlockingIOError, FileNotFoundError):  # In use; or gone by the hand of another process.
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


def secret_keys(settings: Settings) -> tuple[str, ...]:
    """Return the keys that sign, newest first: the operator's, or the installation's own."""
    return settings.secret_key or (_own_key(settings.data_dir),)


def _own_key(data_dir: Path) -> str:
    """Return the installation's own key, made once: 0600, 256 random bits."""
    path = data_dir / "secret.key"
    try:
        with open(path, "x", opener=_private) as file:  # Only open() takes an opener.
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        pass
    key = path.read_text().strip()
    if len(key) < 32:
        raise FirmlyError(f"{path}: expected a key of at least 32 characters; restore it from a backup")
    return key


def control_plane_url(settings: Settings) -> str:
    return settings.database_url or f"sqlite:///{settings.data_dir / 'control.sqlite'}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
