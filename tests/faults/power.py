"""A disk that forgets at a power loss what was not synced, fed with the calls of a real process.

What the system may leave behind, by POSIX's rules and not by one file system's habits: data without
an fdatasync whole, in part, as zeros where a sector was not written, or not at all; a name without a
sync of its folder as it was at any moment since the last one; a folder without a name, with all in it, not.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.faults.syscalls import Step

SECTOR = 512


class Luck(Enum):
    """How much of what was not synced survives."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    CHANCE = "chance"


@dataclass(eq=False)
class Thing:
    """A file or a folder: its names and a file's changes, each with how many of them are surely on disk."""

    is_folder: bool
    names: list[str | None] = field(default_factory=lambda: [None])
    sure_names: int = 1
    changes: list[bytes | int] = field(default_factory=list)
    """Data at the end, or a size to which the file was cut."""
    sure_changes: int = 0

    def content(self, changes: int | None = None) -> bytes:
        content = b""
        for change in self.changes[:changes]:
            content = content[:change] if isinstance(change, int) else content + change
        return content


class Disk:
    """What lies under ``root``, as one process changes it. What is there at first is on disk, names and all."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._named: dict[str, Thing] = {}
        self.things: list[Thing] = []
        for path in sorted(root.rglob("*")):
            thing = self._make(str(path), is_folder=path.is_dir())
            thing.sure_names = 2
            if not thing.is_folder:
                thing.changes = [path.read_bytes()]
                thing.sure_changes = 1
        self._opened: dict[int, Thing | str] = {}
        self._undo: dict[tuple[str, tuple[int, ...], tuple[bytes, ...]], Callable[[], None]] = {}
        self._marks: dict[int, list[Callable[[], None]]] = {}

    def follow(self, step: Step) -> bool:
        """Do what a call does, and tell whether that made a difference.

        From its beginning on a call may have its effect; a sync surely has it at its end.
        """
        key = step.call, step.arguments[:1], step.texts
        before = self._state()
        if step.result is None:
            self._begin(step, key)
        elif step.has_worked:
            self._undo.pop(key, None)
            self._end(step)
        elif undo := self._undo.pop(key, None):
            undo()
        return self._state() != before

    def _state(self) -> list[tuple[int, int, int, int]]:
        return [(len(t.names), t.sure_names, len(t.changes), t.sure_changes) for t in self.things]

    def after_power_loss(self, luck: Luck, choose: random.Random) -> dict[str, bytes]:
        """Return the files that may be found, by their names below the root."""
        found: dict[str, bytes] = {}
        chosen = {thing: _chosen_name(thing, luck, choose) for thing in self.things}
        folders = {name for thing, name in chosen.items() if thing.is_folder and name}
        for thing, name in chosen.items():
            if name and not thing.is_folder and all(above in folders for above in self._folders_above(name)):
                found[name.removeprefix(f"{self._root}/")] = _chosen_content(thing, luck, choose)
        return found

    def _begin(self, step: Step, key: tuple[str, tuple[int, ...], tuple[bytes, ...]]) -> None:
        match step.call:
            case "write" | "ftruncate":
                thing = self._opened.get(step.arguments[0])
                if isinstance(thing, Thing):
                    changes = thing.changes
                    change = step.arguments[1] if step.call == "ftruncate" else b"".join(step.texts)
                    changes.append(change)
                    self._undo[key] = lambda: changes.remove(change)
            case "rename" | "unlink":
                old, new = step.texts[0].decode(), step.texts[1].decode() if step.call == "rename" else None
                if thing := self._named.get(old):
                    self._rename(thing, new)
                    self._undo[key] = lambda: self._take_back(thing, old)
            case "mkdir":
                name = step.texts[0].decode()
                if self._is_ours(name) and name not in self._named:
                    folder = self._make(name, is_folder=True)
                    self._undo[key] = lambda: self._unmake(folder)
            case "fsync":
                self._marks[step.arguments[0]] = self._what_it_makes_sure(self._opened.get(step.arguments[0]))

    def _end(self, step: Step) -> None:
        match step.call:
            case "open":
                name = step.texts[0].decode()
                if self._is_ours(name) or name == self._root:
                    assert step.result is not None
                    self._opened[step.result] = self._named.get(name) or (
                        name if name == self._root else self._make(name, is_folder=False)
                    )
            case "close":
                self._opened.pop(step.arguments[0], None)
            case "write":
                thing = self._opened.get(step.arguments[0])
                if isinstance(thing, Thing) and isinstance(thing.changes[-1], bytes):
                    thing.changes[-1] = thing.changes[-1][: step.result]
            case "fsync":
                for make_sure in self._marks.pop(step.arguments[0], []):
                    make_sure()

    def _what_it_makes_sure(self, synced: Thing | str | None) -> list[Callable[[], None]]:
        """Note what was there when the sync began."""
        if synced is None:
            return []
        if isinstance(synced, Thing) and not synced.is_folder:
            return [_sure_of_changes(synced, len(synced.changes))]
        folder = synced if isinstance(synced, str) else synced.names[-1]
        inside = (thing for thing in self.things if any(name and _parent(name) == folder for name in thing.names))
        return [_sure_of_names(thing, len(thing.names)) for thing in inside]

    def _make(self, name: str, *, is_folder: bool) -> Thing:
        thing = Thing(is_folder, [None, name])
        self.things.append(thing)
        self._named[name] = thing
        return thing

    def _unmake(self, thing: Thing) -> None:
        self.things.remove(thing)
        del self._named[str(thing.names[-1])]

    def _rename(self, thing: Thing, new: str | None) -> None:
        del self._named[str(thing.names[-1])]
        thing.names.append(new)
        if new:
            self._named[new] = thing

    def _take_back(self, thing: Thing, old: str) -> None:
        self._named.pop(str(thing.names.pop()), None)
        self._named[old] = thing
        thing.sure_names = min(thing.sure_names, len(thing.names))  # A sync may have come in between.

    def _is_ours(self, name: str) -> bool:
        return name.startswith(f"{self._root}/")

    def _folders_above(self, name: str) -> list[str]:
        above = [str(parent) for parent in Path(name).parents]
        return above[: above.index(self._root)]


def _sure_of_changes(thing: Thing, count: int) -> Callable[[], None]:
    def make_sure() -> None:
        thing.sure_changes = max(thing.sure_changes, min(count, len(thing.changes)))

    return make_sure


def _sure_of_names(thing: Thing, count: int) -> Callable[[], None]:
    def make_sure() -> None:
        thing.sure_names = max(thing.sure_names, min(count, len(thing.names)))

    return make_sure


def _chosen_name(thing: Thing, luck: Luck, choose: random.Random) -> str | None:
    match luck:
        case Luck.NOTHING:
            return thing.names[thing.sure_names - 1]
        case Luck.EVERYTHING:
            return thing.names[-1]
        case Luck.CHANCE:
            return choose.choice(thing.names[thing.sure_names - 1 :])


def _chosen_content(thing: Thing, luck: Luck, choose: random.Random) -> bytes:
    match luck:
        case Luck.NOTHING:
            return thing.content(thing.sure_changes)
        case Luck.EVERYTHING:
            return thing.content()
        case Luck.CHANCE:
            changes = choose.randint(thing.sure_changes, len(thing.changes))
            return _torn(thing.content(thing.sure_changes), thing.content(changes), choose)


def _torn(sure: bytes, new: bytes, choose: random.Random) -> bytes:
    """Return ``new`` as a disk may have it on the way from ``sure``: short, or with sectors of zeros."""
    if len(new) <= len(sure):  # It was cut: done or not.
        return new
    torn = bytearray(new[: choose.randint(len(sure), len(new))])
    for start in range(len(sure) // SECTOR * SECTOR, len(torn), SECTOR):
        if choose.random() < 0.2:
            first, end = max(start, len(sure)), min(start + SECTOR, len(torn))
            torn[first:end] = bytes(end - first)
    return bytes(torn)


def _parent(name: str) -> str:
    return name.rpartition("/")[0]
