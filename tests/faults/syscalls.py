"""What a process asked of the system, in order, as strace saw it: what it wrote, synced and answered.

strace stops a thread where a call begins and where it ends, so that the order of these moments is the
order of cause and effect between threads: an answer that was sent after a sync is a later step here.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

_SAME = {"open": "open", "openat": "open", "fdatasync": "fsync", "renameat": "rename", "renameat2": "rename",
         "unlinkat": "unlink", "mkdirat": "mkdir", "accept4": "accept", "recvfrom": "read", "recvmsg": "read",
         "writev": "write", "sendto": "write", "sendmsg": "write"}  # fmt: skip
"""Calls that differ by the machine or by what a library prefers, and mean the same here."""
_TRACED = {*_SAME, "accept", "close", "read", "write", "ftruncate", "fsync", "rename", "unlink", "mkdir"}
_LONGEST = 100_000
_LINE = re.compile(r"(?P<thread>\d+) +(?:(?P<call>\w+)\(|<\.\.\. (?P<resumed>\w+) resumed>)(?P<rest>.*)")
_RESULT = re.compile(r"\) += (-?\d+)(?: [^\"]*)?$")
_UNFINISHED = " <unfinished ...>"
_TEXT = re.compile(r'"((?:[^"\\]++|\\.)*+)"')


@dataclass(frozen=True, slots=True)
class Step:
    """A call that begins (``result`` is None) or has ended; ``texts`` are its names or its data."""

    call: str
    arguments: tuple[int, ...]
    """The numbers it begins with: a descriptor, and ftruncate's size."""
    texts: tuple[bytes, ...]
    result: int | None

    @property
    def has_worked(self) -> bool:
        return self.result is not None and self.result >= 0


def traced(command: Sequence[str], record: Path, *more: str) -> tuple[str, ...]:
    """Return the command that runs ``command`` and leaves its steps in ``record``."""
    calls = ",".join(f"?{call}" for call in sorted(_TRACED))
    strace = ("strace", "-f", "--seccomp-bpf", "-qq", "-s", str(_LONGEST), "-e", f"trace={calls}", "-e", "signal=none")
    return (*strace, *more, "-o", str(record), *command)


def refusing(call: str, error: str, when: str) -> tuple[str, ...]:
    """Return what lets the system refuse some calls, as a broken disk does. ``when`` counts: ``5+3``, 5, 8, 11..."""
    return "-e", f"inject={call}:error={error}:when={when}"


def process_under(strace: "Popen[bytes]") -> int:
    """Return the process that a strace runs: the one to signal."""
    [child] = Path(f"/proc/{strace.pid}/task/{strace.pid}/children").read_text().split()
    return int(child)


def steps_of(record: Path) -> list[Step]:
    """Read a record. What was under way when the process died has no end."""
    return list(_steps(record.read_text("latin-1").split("\n")))


def _steps(lines: Sequence[str]) -> Iterator[Step]:
    begun: dict[str, str] = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:  # The end of a thread.
            continue
        call, rest = found["call"] or found["resumed"], found["rest"]
        if found["call"]:
            yield _step(call, rest, None)
        else:
            rest = begun.pop(found["thread"], "") + rest
        if rest.endswith(_UNFINISHED):
            begun[found["thread"]] = rest.removesuffix(_UNFINISHED)
        elif result := _RESULT.search(rest):
            yield _step(call, rest, int(result[1]))


def _step(call: str, rest: str, result: int | None) -> Step:
    numbers = re.match(r"(\d+)(?:, (\d+))?", rest)
    is_read = _SAME.get(call, call) == "read"  # Of all that is read, only requests count.
    texts = () if is_read and "POST " not in rest and "events" not in rest else _TEXT.findall(rest)
    arguments = tuple(int(number) for number in numbers.groups() if number) if numbers else ()
    return Step(_SAME.get(call, call), arguments, tuple(_bytes(text) for text in texts), result)


def _bytes(text: str) -> bytes:
    """Undo strace's escapes, which are C's."""
    return text.encode("latin-1").decode("unicode_escape").encode("latin-1")
