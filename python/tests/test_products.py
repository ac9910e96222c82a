"""products/: the questions tell the schemes of keeping apart. Needs none of the libraries."""

import gc
import itertools
import weakref
from types import SimpleNamespace

import pytest
from suite import from_file

run, ask = from_file("products/run.py"), from_file("products/ask.py")


class Node:
    pass


class Handle:
    """A wrapper that the holder knows nothing of: it holds the number."""

    numbers = itertools.count()

    def __init__(self, number=None):
        self.number = next(self.numbers) if number is None else number


class Final:
    __slots__ = ()

    def __init_subclass__(cls):
        raise TypeError("final")


def product(cls, put, get):
    return SimpleNamespace(Class=cls, make=lambda cls: cls(), put=put, get=lambda holder: get(holder))


class Holder:
    def __init__(self, held):
        self.held = held


HIDDEN = {}  # what gc cannot see into: a holder whose reference only its finalizer releases


class Untraversed:
    def __init__(self, held):
        HIDDEN[id(self)] = held

    def __del__(self):
        HIDDEN.pop(id(self), None)


KEEPS = product(Node, Holder, lambda holder: holder.held)
LEAKS = product(Node, Untraversed, lambda holder: HIDDEN[id(holder)])
COPIES = product(Handle, lambda obj: obj.number, Handle)
REFUSES = product(Final, Holder, lambda holder: Final())


def remembers():
    """A weak map of live wrappers, as instancemap."""
    live = weakref.WeakValueDictionary()

    def put(obj):
        live[obj.number] = obj
        return Holder(obj.number)

    def get(holder):
        again = live.get(holder.held)
        if again is None:
            again = live[holder.held] = Handle(holder.held)
        return again

    return product(Handle, put, get)


ANSWERS = {
    "alive": ("same object", "same object", "another object", "another object", "same object"),
    "dropped": ("same object", "same object", "another object", "cannot be told", "another object"),
    "attributes": ("kept", "kept", "lost at once", "refused", "lost"),
    "subclass": ("kept", "kept", "lost at once", "no subclass", "lost"),
    "slots": ("kept", "kept", "lost at once", "no subclass", "lost"),
    "weak": ("alive", "alive", "dies", "refused", "dies"),
    "cycle": ("collected", "leaks", "none: nothing is kept", "refused", "none: nothing is kept"),
    "threads": ("as with one", "as with one", "as with one", "as with one", "as with one"),
}


@pytest.mark.parametrize("question", ANSWERS)
def test_a_question_tells_the_schemes_apart(question, monkeypatch):
    monkeypatch.setattr(ask, "THREAD_SECONDS", 0.05)
    for subject, expected in zip((KEEPS, LEAKS, COPIES, REFUSES, remembers()), ANSWERS[question]):
        try:
            assert ask.QUESTIONS[question](subject) == expected
        except ask.Refused as refused:
            assert str(refused) == expected
    HIDDEN.clear()


def test_a_chain_is_freed_or_said_not_to_be(monkeypatch, capsys):
    monkeypatch.setattr(ask, "CHAIN", 100)
    assert ask.chains(KEEPS) == "freed, 100 long"
    assert capsys.readouterr().out == "with 100\n"
    assert ask.chains(COPIES) == "none: nothing is kept"
    gc.collect()


def test_the_runner_and_the_child_have_the_same_questions():
    assert [*run.QUESTIONS] == [*ask.QUESTIONS]


def test_an_answer_from_how_a_process_ended():
    assert run.answer(0, "noise\nkept\n") == "kept"
    assert run.answer(-11, "with 50,000\n") == "crashes with 50,000"
    assert run.answer(-6, "terminate called") == "crashes"
    assert run.answer(None, "") == "hangs"
    assert run.answer(1, "Traceback\nKeyError: 1") == "fails: KeyError: 1"


def test_a_crash_of_a_child_is_an_answer(tmp_path):
    path = tmp_path / "crash.py"
    path.write_text("import os\nClass = int\ndef make(cls): os.abort()\n")
    assert run.ask(run.sys.executable, SimpleNamespace(path=path), "alive") == "crashes"


@pytest.mark.parametrize("name", run.products())
def test_a_product_describes_itself(name):
    described = run.products()[name]
    assert all(r.startswith(("pip:", "apt:")) and "==" in r for r in described.requirements)
    assert described.megabytes > 0 and described.url.startswith("https://")
    functions = {node.name for node in run.ast.parse(described.path.read_text()).body if hasattr(node, "name")}
    assert {"make", "put", "get"} <= functions


def test_what_fits_is_the_smallest_and_a_library_counts_once():
    def sized(*sizes):
        return {str(i): SimpleNamespace(requirements=name, megabytes=size) for i, (name, size) in enumerate(sizes)}

    assert run.fitting(sized(("a", 60), ("a", 60), ("b", 30), ("c", 20)), 110) == {"0", "1", "2", "3"}
    assert run.fitting(sized(("a", 60), ("b", 30), ("c", 20)), 109) == {"1", "2"}


def test_the_page_is_what_the_products_and_the_answers_make():
    page = run.PAGE.read_text()
    assert run.outside.spliced(page, "products", run.generated(run.recorded())) == page


def test_every_answer_is_recorded_at_the_version_of_its_product():
    for name, result in run.recorded().items():
        assert result["version"] == run.version(run.products()[name])
        assert [*result["answers"]] == [*run.QUESTIONS]
