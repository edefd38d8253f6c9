"""The built script: small enough, complete in every language, and exactly what its sources build."""

import gzip
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from firmly.accounts.sites import new_site
from firmly.consent.banner import banner_of, preferences_of, read_snippet
from firmly.consent.wording import MONTHS
from firmly.model import WorkspaceId

SNIPPET = Path(__file__).parents[3] / "snippet"
DIST = SNIPPET / "dist"
SCRIPTS = ("core.js", "rules.js", "signals.js", "banner.js", "preferences.js")
BUILT = (*SCRIPTS, *(f"{name}.map" for name in SCRIPTS), "texts.json")
LANGUAGES = {"da", "de", "en", "es", "et", "fi", "fr", "it", "nl", "no", "pl", "sv"}
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


Texts = dict[str, dict[str, dict[str, str]]]


@pytest.fixture(scope="module")
def texts() -> Texts:
    """Return the texts by layer, language and key."""
    loaded: Texts = json.loads(read("texts.json"))
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


def test_first_layer_with_one_language_fits_its_budget(budget: dict[str, int], texts: Texts) -> None:
    """With every text that any setting can bring, so that no site is beyond it."""
    sizes = {}
    for language, own in texts["banner"].items():
        shown = {key: text for key, text in own.items() if key != MONTHS}
        sizes[language] = gzipped(read("core.js") + read("banner.js") + json.dumps(shown, ensure_ascii=False))
    assert max(sizes.values()) <= budget["first_layer_gzip_bytes"], sizes


def test_preferences_with_one_language_fit_their_budget(budget: dict[str, int], texts: Texts) -> None:
    """With what the collector writes before the module: the texts, and Firmly's own services."""
    site = new_site(WorkspaceId(1), name="Acme", origins=("https://acme.example",), controller="Acme Oy")
    files = read_snippet(DIST)
    sizes = {}
    for language in texts["preferences"]:
        bundle = banner_of(replace(site, language=language), files).bundle
        module = preferences_of(bundle, language)
        assert module is not None
        sizes[language] = gzipped(module.decode())
    assert max(sizes.values()) <= budget["preferences_gzip_bytes"], sizes


def test_the_readme_quotes_the_budget(budget: dict[str, int]) -> None:
    told = (SNIPPET.parent / "README.md").read_text()
    for key, limit in budget.items():
        assert f"{limit / 1024:.1f} kB" in told, key


def test_each_file_is_one_line_without_a_name_of_its_own() -> None:
    for name in ("core.js", "rules.js", "signals.js", "banner.js"):
        code = read(name)
        assert code.startswith("(()=>{")
        assert code.endswith("})();\n")
        assert code.count("\n") == 1


def test_the_preferences_are_a_module_that_opens_and_clears() -> None:
    code = read("preferences.js")
    assert code.count("\n") == 1
    exported = re.search(r"export\{(.+?)\}", code)
    assert exported
    assert {name.split(" as ")[-1] for name in exported[1].split(",")} == {"open", "clear"}


def test_names_that_others_read_are_not_shortened() -> None:
    """The build shortens names that only the script's own parts use: none of the contracts may be among them."""
    wire = "site batch visit token events kind url referrer title active_ms scroll_pct goal name props receipt"
    config = "banner collector before_consent titles unchanged dnt"
    choices = "language action choices source necessary expires_at choice texts default_language categories months"
    core, banner, signals, preferences = (read(f"{name}.js") for name in ("core", "banner", "signals", "preferences"))
    for name in f"{wire} {config} firmly goal".split():
        assert re.search(rf"\b{name}\b", core), name
    for name in f"{choices} show on consent controller privacy_url".split():
        assert re.search(rf"\b{name}\b", banner), name
    for name in ["position", "theme", "colours", "providers", "open", "clear"]:
        assert re.search(rf"\b{name}\b", banner), name
    for name in ["signals", "dataLayer", "uetq", "clarity", "consentv2", "ad_storage", "ad_Storage"]:
        assert re.search(rf"\b{name}\b", signals), name
    for name in ("/f/r", "rule", "inform", "site", "categories"):
        assert re.search(rf"(?<!\w){name}\b", read("rules.js")), name
    record = "records minute action categories saw intro purposes duration choice proof_until format language receipt"
    proof = "sequence kind proof nonce link_commitment previous hash path head size root last key signature keys public"
    shown = "services category provider purpose reason privacy_url stores texts"
    for name in f"{record} {proof} {shown}".split():
        assert re.search(rf"\b{name}\b", preferences), name


def test_languages_are_complete_and_plain(texts: Texts) -> None:
    for layer in texts.values():
        assert set(layer) == LANGUAGES
        for language, own in layer.items():
            assert list(own) == list(layer["en"]), language
            assert all(text.strip() and "<" not in text for text in own.values()), language


def test_languages_fill_in_the_same_names(texts: Texts) -> None:
    for layer in texts.values():
        for language, own in layer.items():
            for key, text in own.items():
                wanted = set(re.findall(r"{\w+}", layer["en"][key]))
                assert set(re.findall(r"{\w+}", text)) == wanted, (language, key)


def test_source_maps_carry_the_sources_and_no_absolute_path() -> None:
    for name in (f"{script}.map" for script in SCRIPTS):
        loaded = json.loads(read(name))
        assert all(source.startswith("../src/") for source in loaded["sources"])
        assert all(loaded["sourcesContent"])


def test_the_script_needs_no_permission_of_a_strict_policy() -> None:
    """R31: what Trusted Types or a policy without 'unsafe-eval' would refuse is not in the script."""
    for name in SCRIPTS:
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
