"""The page of the libraries' own tests names properties that exist, and every test once."""

import glob
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def sections():
    """{library: (the sentence above its table, [(file, [test, ...], [property, ...]), ...])}"""
    found = {}
    for text in re.split(r"^## ", read("docs", "peers-tests.md"), flags=re.M)[1:]:
        name, text = text.split("\n", 1)
        rows, file = [], ""
        for line in re.findall(r"^\|(.*)\|$", text, re.M)[2:]:
            where, tests, _, properties = (cell.strip() for cell in line.split("|"))
            file = where or file
            names = [expanded for test in re.findall(r"`([^`]+)`", tests) for expanded in expand(test)]
            rows.append((file, names, properties.split(", ")))
        found[name] = text.split("\n|")[0], rows
    return found


def expand(name):
    """["ac", "bc"] of "{a,b}c"."""
    brace = re.match(r"(.*?)\{(.*?)\}(.*)", name)
    if not brace:
        return [name]
    return [brace[1] + part + rest for part in brace[2].split(",") for rest in expand(brace[3])]


def test_every_row_names_properties_that_exist():
    properties = {
        found
        for path in glob.glob(os.path.join(ROOT, "matrix", "**", "properties", "test_*.py"), recursive=True)
        for found in re.findall(r'@prop\(\s*"([^"]+)"', read(path))
    }
    assert {"I1", "G6[self]", "L3"} <= properties
    for library, (_, rows) in sections().items():
        assert rows, library
        for file, tests, named in rows:
            assert tests, f"{library}, {file}: a row without a test"
            assert set(named) <= properties, f"{library}, {file}, {tests[0]}: no property {set(named) - properties}"


def test_every_test_is_there_once_and_counted():
    for library, (sentence, rows) in sections().items():
        tests = [(file, test) for file, tests, _ in rows for test in tests]
        assert len(tests) == len(set(tests)), f"{library}: twice: {sorted(t for t in set(tests) if tests.count(t) > 1)}"
        assert f" {len(tests)} tests" in " ".join(sentence.split()), f"{library}: there are {len(tests)} tests"


def test_the_page_is_linked_once():
    pages = read("README.md"), read("matrix", "README.md")
    assert sum(len(re.findall(r"\]\([^)]*peers-tests\.md\)", page)) for page in pages) == 1
