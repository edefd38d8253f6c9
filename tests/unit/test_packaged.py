"""The files that ship with Firmly are found."""

from firmly.packaged import dashboards, snippet


def test_folders_hold_what_is_served() -> None:
    assert {entry.name for entry in dashboards().iterdir()} >= {"templates", "static"}
    assert {entry.name for entry in snippet().iterdir()} >= {"core.js", "banner.js", "texts.json"}
