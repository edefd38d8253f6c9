"""The built script: small enough, complete in every language, and exactly what its sources build."""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SNIPPET = Path(__file__).parents[3] / "snippet"
DIST = SNIPPET / "dist"
BUILT = ("core.js", "core.js.map", "banner.js", "banner.js.map", "texts.json")
COPIED = ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "build.mjs", "test.mjs", "src", "test")

needs_node = pytest.mark.skipif(shutil.which("npm") is None, reason="Node is not installed; the built script is tested")


def gzipped(text: str) -> int:
    return len(gzip.compress(text.encode(), 9, mtime=0))


def read(name: str) -> str:
    return (DIST / name).read_text()


@pytest.fixture(scope="module")
def budget() -> dict[str, int]:
    loaded: dict[str, int] = json.loads((SNIPPET / "budget.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def texts() -> dict[str, dict[str, str]]:
    loaded: dict[str, dict[str, str]] = json.loads(read("texts.json"))
    return loaded


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what is needed to build, and install the tools of the lock file."""
    folder = tmp_path_factory.mktemp("snippet")
    for name in COPIED:
        source = SNIPPET / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    run(folder, "npm", "ci", "--prefer-offline")
    return folder


def run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_core_fits_its_budget(budget: dict[str, int]) -> None:
    assert gzipped(read("core.js")) <= budget["core_gzip_bytes"]


def test_first_layer_with_one_language_fits_its_budget(
    budget: dict[str, int], texts: dict[str, dict[str, str]]
) -> None:
    sizes = {
        language: gzipped(read("core.js") + read("banner.js") + json.dumps(own, ensure_ascii=False))
        for language, own in texts.items()
    }
    assert max(sizes.values()) <= budget["first_layer_gzip_bytes"], sizes


def test_each_file_is_one_line_without_a_name_of_its_own() -> None:
    for name in ("core.js", "banner.js"):
        code = read(name)
        assert code.startswith("(()=>{")
        assert code.endswith("})();\n")
        assert code.count("\n") == 1


def test_names_that_others_read_are_not_shortened() -> None:
    """The build shortens names that only the script's own parts use: none of the contracts may be among them."""
    wire = "site batch visit token events kind url referrer title active_ms scroll_pct goal name props receipt"
    config = "banner collector before_consent titles unchanged dnt"
    choices = "language action choices source necessary expires_at choice texts default_language categories months"
    core, banner = read("core.js"), read("banner.js")
    for name in f"{wire} {config} firmly goal".split():
        assert re.search(rf"\b{name}\b", core), name
    for name in f"{choices} show on consent controller privacy_url".split():
        assert re.search(rf"\b{name}\b", banner), name


def test_languages_are_complete_and_plain(texts: dict[str, dict[str, str]]) -> None:
    assert set(texts) >= {"en", "fi", "sv", "de"}
    for language, own in texts.items():
        assert list(own) == list(texts["en"]), language
        assert all(text.strip() and "<" not in text for text in own.values()), language


def test_languages_fill_in_the_same_names(texts: dict[str, dict[str, str]]) -> None:
    names = ("{controller}", "{months}", "{label}")
    for language, own in texts.items():
        for key, text in own.items():
            wanted = {name for name in names if name in texts["en"][key]}
            assert {name for name in names if name in text} == wanted, (language, key)


def test_source_maps_carry_the_sources_and_no_absolute_path() -> None:
    for name in ("core.js.map", "banner.js.map"):
        loaded = json.loads(read(name))
        assert all(source.startswith("../src/") for source in loaded["sources"])
        assert all(loaded["sourcesContent"])


def test_the_script_needs_no_permission_of_a_strict_policy() -> None:
    """R31: what Trusted Types or a policy without 'unsafe-eval' would refuse is not in the script."""
    for name in ("core.js", "banner.js"):
        code = read(name)
        for refused in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
            assert refused not in code, (name, refused)


@needs_node
def test_sources_build_the_committed_files(checkout: Path) -> None:
    run(checkout, "npm", "run", "build")
    for name in BUILT:
        assert (checkout / "dist" / name).read_bytes() == (DIST / name).read_bytes(), f"{name}: run `make build`"


@needs_node
def test_units_of_the_script(checkout: Path) -> None:
    run(checkout, "npm", "test")
