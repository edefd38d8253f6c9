"""Commands of Firmly, each in a process of its own, as an operator runs them.

The processes are forked from one that has imported everything: that is most of what a short command takes.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.served import ROOT

Result = subprocess.CompletedProcess[str]
LONGEST_S = 120
_STREAMS = ("stdin", "stdout", "stderr")


def firmly(data_dir: Path, *arguments: str | Path, given: str = "", **environ: str | Path) -> Result:
    """Run ``firmly`` on a data directory; ``environ`` names settings without their FIRMLY_."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FIRMLY_")}
    named = {f"FIRMLY_{name}": str(value) for name, value in environ.items()}
    forks = _forks()
    assert forks.stdin is not None
    assert forks.stdout is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stdin").write_text(given)
        command = [str(one) for one in arguments]
        wanted = {
            "arguments": command,
            "environ": {**clean, "FIRMLY_DATA_DIR": str(data_dir), "COLUMNS": "200", **named},
            "folder": name,
        }
        forks.stdin.write(f"{json.dumps(wanted)}\n")
        forks.stdin.flush()
        code = int(forks.stdout.readline())
        out, err = ((folder / stream).read_text() for stream in _STREAMS[1:])
    return subprocess.CompletedProcess(command, code, out, err)


@cache
def _forks() -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.commands"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    atexit.register(process.communicate)  # It ends with its input.
    return process


def _fork_until_the_end(requests: IO[str]) -> None:
    """Answer each request with the exit code; a forked process returns here at its command's end."""
    from firmly.cli.main import main

    for line in iter(requests.readline, ""):
        wanted = json.loads(line)
        child = os.fork()
        if child == 0:
            _become(wanted)
            main()
            return
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _become(wanted: dict[str, Any]) -> None:
    signal.alarm(LONGEST_S)
    for number, stream in enumerate(_STREAMS):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT
        descriptor = os.open(f"{wanted['folder']}/{stream}", flags, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, closefd=False)  # Not what was read ahead of the next requests.
    os.environ.clear()
    os.environ.update(wanted["environ"])
    sys.argv = ["firmly", *wanted["arguments"]]


if __name__ == "__main__":
    _fork_until_the_end(sys.stdin)
