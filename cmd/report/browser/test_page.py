"""The report's page in a headless Chromium: what a reader clicks, types, sends and sees."""

import itertools
import os
import pathlib
import re
import urllib.parse

import pytest
from conftest import ROOT, SIZES

VIEWS = (
    "#answer",
    "#choose?need=identity,nogil",
    "#costs?group=wrap&table=open",
    "#matrix?family=W,G",
    "#matrix?cell=preserve/W4",
)


def verdicts(matrix):
    return {(o["subject"], o["property"]): o["outcome"] for o in matrix["outcomes"]}


def strategies(matrix):
    return [s["name"] for s in matrix["subjects"] if s["kind"] == "strategy"]


def properties(page):
    """The ids of the rows that the grid shows."""
    return page.locator("#grid tbody th b").all_inner_texts()


def columns(page):
    return page.locator("#grid thead span").all_inner_texts()


def address(page):
    return urllib.parse.unquote(urllib.parse.urlsplit(page.url).fragment)


def check(page, fieldset, value):
    page.locator(f'{fieldset} input[value="{value}"]').check()


# ---- the answer and the costs


def test_it_opens_with_a_chart_of_what_is_kept_against_what_it_costs(view, matrix):
    page = view()
    chart = page.get_by_role("img").first
    assert chart.bounding_box()["y"] < SIZES["desktop"]["height"] / 2
    said = chart.get_attribute("aria-label")
    assert all(name in said for name in strategies(matrix)), said
    assert "WrapDead" in said


def test_each_group_has_a_sentence_dot_plots_and_a_folded_table(view):
    page = view("#costs")
    groups = page.locator("#costs article").all()
    assert len(groups) > 3
    for group in groups:
        assert group.locator(".analysis").inner_text().strip()
        assert group.get_by_role("img").count()
        assert not group.locator("table").is_visible()
        group.locator("summary").click()
        assert group.locator("table").is_visible()
        assert all(text.strip() for text in group.locator("td").all_inner_texts())


def test_charts_and_tables_need_no_script(view):
    page = view(java_script_enabled=False)
    assert page.get_by_role("img").first.is_visible()
    page.locator("#group-wrap summary").click()
    assert page.locator("#group-wrap table").is_visible()
    assert not page.locator("#filters").is_visible()
    assert page.locator("#matrix noscript").count()


# ---- the matrix


def test_the_matrix_has_every_outcome(view, matrix):
    page = view("#matrix")
    assert properties(page) == [p["id"] for p in matrix["properties"]]
    assert columns(page)[: len(strategies(matrix))] == strategies(matrix)
    shown = dict(
        page.locator("#grid button").evaluate_all(
            "all => all.map((b) => [b.dataset.cell, b.getAttribute('aria-label')])"
        )
    )
    for (subject, id), outcome in verdicts(matrix).items():
        assert shown[f"{subject}/{id}"] == f"{subject}, {id}: {outcome}"


def test_libraries_stand_beside_strategies(view):
    page = view("#matrix")
    assert page.locator("#grid thead .library").count(), "results/ has a run of make peers"
    assert "The libraries' columns" in page.locator("#libraries").inner_text()


def test_a_family_filters_rows(view):
    page = view("#matrix")
    check(page, "#family", "W")
    assert {re.match("[A-Z]+", id)[0] for id in properties(page)} == {"W"}
    assert address(page) == "matrix?family=W"
    check(page, "#family", "F")
    assert {re.match("[A-Z]+", id)[0] for id in properties(page)} == {"W", "F"}, "and not FT"
    assert f"{len(properties(page))} of " in page.locator("#count").inner_text()


def test_strategies_filter_columns_and_verdicts_rows(view, matrix):
    page = view("#matrix")
    check(page, "#subject", "preserve")
    assert columns(page) == ["preserve"]
    check(page, "#verdict", "breaks")
    broken = [p["id"] for p in matrix["properties"] if verdicts(matrix)["preserve", p["id"]] == "breaks"]
    assert properties(page) == broken
    assert address(page) == "matrix?subject=preserve&verdict=breaks"
    page.get_by_role("button", name="Clear the filters").click()
    assert len(properties(page)) == len(matrix["properties"])
    assert address(page) == "matrix"


def test_a_cell_opens_promise_reason_and_source(view, matrix):
    page = view("#matrix?family=W")
    page.get_by_role("button", name="preserve, W4: breaks", exact=True).click()
    dialog = page.get_by_role("dialog")
    text = dialog.inner_text()
    assert next(p["promise"] for p in matrix["properties"] if p["id"] == "W4") in text
    assert next(o["reason"] for o in matrix["outcomes"] if (o["subject"], o["property"]) == ("preserve", "W4")) in text
    source = dialog.locator("pre").inner_text()
    assert source.startswith('@prop("W4"') and "weakref.ref(a)" in source
    assert address(page) == "matrix?family=W&cell=preserve/W4"
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert address(page) == "matrix?family=W"
    assert page.evaluate("document.activeElement.dataset.cell") == "preserve/W4", "the focus is where it was"


def test_a_cell_that_does_not_apply_says_what_is_declared_elsewhere(view):
    page = view("#matrix?cell=preserve/T1")
    assert "only elsewhere" in page.get_by_role("dialog").inner_text()


def test_a_test_that_has_changed_since_is_not_shown(view, run):
    page = view("#matrix")
    ids = page.evaluate("data.properties.filter((p) => !p.source).map((p) => p.id)")
    for id in ids[:1]:
        assert "changed since" in view(f"#matrix?cell=preserve/{id}").get_by_role("dialog").inner_text()


def test_the_grid_is_one_stop_of_the_tab_key_and_arrows_walk_it(view):
    page = view("#matrix?family=W")
    assert page.locator('#grid button[tabindex="0"]').count() == 1
    page.get_by_role("button", name="naive, W1: breaks", exact=True).focus()
    for key in "ArrowDown", "ArrowRight", "ArrowUp", "ArrowRight", "End", "Home":
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.cell") == "naive/W1"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("Enter")  # on Close, which has the focus
    assert not page.get_by_role("dialog").is_visible()
    assert page.evaluate("document.activeElement.dataset.cell") == "preserve/W1"


# ---- the chooser


def expected(matrix, needs):
    """The strategies that meet all requirements, by the run's record."""
    at = verdicts(matrix)
    gil = {s["name"]: s["needs_gil"] for s in matrix["subjects"]}

    def meets(s, n):
        return (
            all(at[s, id] == "holds" for id in n.get("holds", ()))
            and all(at[s, id] == "breaks" for id in n.get("breaks", ()))
            and not (n.get("gil") and gil[s])
        )

    return {s for s in strategies(matrix) if all(meets(s, n) for n in needs)}


def test_the_chooser_answers_from_the_matrix(view, matrix):
    page = view("#choose")
    requirements = page.evaluate("data.requirements")
    assert len(requirements) == 8
    for needs in itertools.chain(
        itertools.combinations(requirements, 1), itertools.combinations(requirements, 2), [requirements]
    ):
        page.evaluate("(ids) => { location.hash = 'choose?need=' + ids }", ",".join(n["id"] for n in needs))
        page.wait_for_function("(n) => document.querySelectorAll('#needs :checked').length === n", arg=len(needs))
        assert set(page.locator(".choice.fits h3 a").all_inner_texts()) == expected(matrix, needs), needs


def test_an_answer_says_what_it_gives_up_and_leads_to_its_folder(view, matrix):
    page = view("#choose")
    check(page, "#needs", "identity")
    check(page, "#needs", "nogil")
    assert address(page) == "choose?need=identity,nogil"
    card = page.locator(".choice", has=page.get_by_role("link", name="preserve", exact=True))
    broken = [id for (s, id), outcome in verdicts(matrix).items() if s == "preserve" and outcome == "breaks"]
    for id in broken:
        assert card.locator(f'a[href$="preserve/{urllib.parse.quote(id)}"]').is_visible(), id
    assert "only elsewhere" in card.inner_text(), "what it gives up without the GIL"
    for link in page.locator(".choice h3 a").all():
        folder = link.get_attribute("href")
        assert folder.startswith("../../") and (ROOT / folder.removeprefix("../../") / "doc.go").exists()
    card.locator(f'a[href$="preserve/{urllib.parse.quote(broken[0])}"]').click()
    assert page.get_by_role("dialog").is_visible()


def test_nothing_that_has_all_of_it_names_what_comes_near(view):
    page = view("#choose?need=identity,weakref,prompt,uncounted")
    assert page.locator("#fits").inner_text().startswith("No strategy has all of it")
    assert page.locator(".choice.fits").count() == 0
    assert "Lacks" in page.locator(".choice").first.inner_text()


# ---- addresses


def test_an_address_is_a_view(view):
    page = view("#matrix?family=W,T&verdict=breaks&subject=naive,preserve&cell=preserve/W4")
    assert columns(page) == ["naive", "preserve"]
    assert {re.match("[A-Z]+", id)[0] for id in properties(page)} <= {"W", "T"}
    assert page.locator("#family :checked, #verdict :checked, #subject :checked").count() == 5
    assert page.get_by_role("dialog").is_visible()
    page = view("#costs?group=memory&table=open")
    assert page.locator("#group-memory table").is_visible()
    assert 0 <= page.locator("#group-memory").bounding_box()["y"] < 200
    page = view("#choose?need=slots")
    assert page.locator("#needs :checked").count() == 1


def test_back_undoes_what_opened_and_not_single_filters(view):
    page = view("#matrix")
    check(page, "#family", "W")
    check(page, "#family", "S")
    page.get_by_role("button", name="preserve, W4: breaks", exact=True).click()
    page.go_back()
    page.wait_for_function("!document.getElementById('cell').open")
    assert address(page) == "matrix?family=S,W"


def test_back_leads_from_a_cell_to_where_it_was_opened(view):
    page = view("#choose?need=identity")
    page.locator(".choice a[href*='cell=preserve']").first.click()
    page.wait_for_function("document.getElementById('cell').open")
    page.go_back()
    page.wait_for_function("!document.getElementById('cell').open")
    assert address(page) == "choose?need=identity"
    assert page.locator(".choice.fits").count()


@pytest.mark.parametrize(
    "fragment",
    [
        "#nonsense",
        "#matrix?cell=nothing/W4",
        "#matrix?cell=preserve",
        "#matrix?family=Q",
        "#costs?group=nothing",
        "#choose?need=money",
        "#answer?a=b",
        "#%",
        "#matrix?cell=%5B",
    ],
)
def test_an_address_of_nothing_shows_the_page(view, fragment):
    page = view(fragment)
    assert page.locator("h1").is_visible()
    assert not page.get_by_role("dialog").is_visible()
    assert page.locator("#fits").inner_text() == "Click what you need."
    assert page.locator("#grid thead").count()


def test_every_local_link_leads_to_something(view, run):
    page = view("#choose?need=prompt")
    hrefs = page.locator("a[href]").evaluate_all("all => [...new Set(all.map((a) => a.getAttribute('href')))]")
    for href in hrefs:
        path, _, fragment = href.partition("#")
        if path:
            assert ((ROOT if path.startswith("../../") else run) / path.removeprefix("../../")).exists(), href
        else:
            assert page.locator("#" + fragment.partition("?")[0]).count() == 1, href


# ---- how it looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing(view, size, scheme):
    from axe_playwright_python.sync_playwright import Axe

    for fragment in "#costs?group=wrap&table=open", "#matrix?family=W&cell=preserve/W4":
        results = Axe().run(view(fragment, size, scheme))
        assert results.violations_count == 0, f"{fragment}\n{results.generate_report()}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_have_contrast(view, scheme):
    """axe looks at HTML only."""
    page = view(scheme=scheme)
    luminances = page.evaluate("""() => Object.fromEntries(["paper", "ink", "muted", "kept", "lost", "other", "origin"].map((name) => {
        const e = document.body.appendChild(document.createElement("i"));
        e.style.color = `var(--${name})`;
        const [r, g, b] = getComputedStyle(e).color.match(/[0-9.]+/g).map((c) => (c /= 255) <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
        return [name, .2126 * r + .7152 * g + .0722 * b];
    }))""")

    def contrast(name):
        low, high = sorted((luminances[name], luminances["paper"]))
        return (high + 0.05) / (low + 0.05)

    assert min(contrast("ink"), contrast("muted")) >= 4.5, "texts"
    assert min(contrast(name) for name in ("kept", "lost", "other", "origin")) >= 3, "shapes"


def test_there_are_landmarks_and_headings(view):
    page = view()
    for landmark in "banner", "navigation", "main":
        assert page.get_by_role(landmark).count() == 1, landmark
    for title in page.locator("section").all():
        assert page.locator("#" + title.get_attribute("aria-labelledby")).inner_text()
    levels = [
        int(tag[1]) for tag in page.locator("h1, main h2, main h3").evaluate_all("all => all.map((h) => h.tagName)")
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels)), "no level is left out"


@pytest.mark.parametrize("fragment", VIEWS)
def test_a_phone_does_not_scroll_sideways(view, fragment):
    page = view(fragment, "phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"]["width"]
    for chart in page.locator("svg:visible").all():
        box = chart.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= SIZES["phone"]["width"]
        size = chart.evaluate(
            "svg => parseFloat(svg.getAttribute('font-size')) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width"
        )
        assert size >= 10, "CSS pixels of a chart's text"


def test_colors_can_be_chosen(view):
    page = view(scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    button = page.locator("#theme")
    button.click()
    assert page.evaluate(background) == light
    button.click()
    assert button.get_attribute("aria-label") == "Colors: Dark"
    assert page.evaluate(background) != light
    page.reload()
    assert page.evaluate(background) != light, "and it is remembered"


def test_screenshots(view):
    """Into the folder of SCREENSHOTS, for people to look at."""
    folder = os.environ.get("SCREENSHOTS")
    if not folder:
        pytest.skip("SCREENSHOTS names no folder")
    for size, scheme in itertools.product(SIZES, ("light", "dark")):
        for i, fragment in enumerate(VIEWS):
            view(fragment, size, scheme).screenshot(path=pathlib.Path(folder, f"{size}-{scheme}-{i}.png"))
