"""The report's page in a headless Chromium: fixtures. Without one, everything is skipped, with the reason."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
NAMES = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed: pip install -r scripts/requirements/browser.txt"
    )
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"there is no Chromium: none of {', '.join(NAMES)} is on the PATH")
    if subprocess.run([path, "--version"], capture_output=True).returncode:
        pytest.skip(f"{path} does not run")
    with playwright.sync_playwright() as p:
        # Chromium's sandbox refuses to run as root.
        browser = p.chromium.launch(executable_path=path, args=["--no-sandbox"] if os.getuid() == 0 else [])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def run(chromium, tmp_path_factory):
    """The folder of the newest run, with a page that was just made."""
    results = tmp_path_factory.mktemp("root") / "results"
    shutil.copytree(ROOT / "results", results, ignore=shutil.ignore_patterns(".*", "python.json*"))
    dates = {
        f.parent: m["date"] for f in results.glob("*/machine.json") if not (m := json.loads(f.read_text()))["peers"]
    }
    if not dates:
        pytest.skip("results/ has no run")
    newest = max(dates, key=dates.get)
    # One declaration of the tests' own: a property that breaks only where it applies.
    matrix = json.loads((newest / "matrix.json").read_text())
    for s in matrix["subjects"]:
        if s["name"] == "preserve":
            s["elsewhere"] = s.get("elsewhere", {}) | {"T1": "only elsewhere"}
    (newest / "matrix.json").write_text(json.dumps(matrix))
    subprocess.run(["go", "run", "./cmd/report", "-results", results], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return newest


@pytest.fixture(scope="session")
def matrix(run):
    """What the page shows of the strategies, from the run's own record."""
    return json.loads((run / "matrix.json").read_text())


@pytest.fixture
def view(chromium, run):
    """view(address, size, scheme) opens the page; it may ask for nothing else, and print no error."""
    contexts, troubles = [], []

    def open_page(address="", size="desktop", scheme="light", **options):
        context = chromium.new_context(viewport=SIZES[size], color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda m: troubles.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: troubles.append(str(e)))
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else troubles.append(r.url))
        page.goto((run / "index.html").as_uri() + address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []
