"""The options. All else is loaded only where --lifetimes asks for it."""

import os

import pytest


def pytest_addoption(parser):
    group = parser.getgroup("lifetimes", "lifetimes of Python wrappers and native objects")
    add = group.addoption
    add(
        "--lifetimes",
        action="append",
        default=[],
        metavar="ADAPTER[:NAME,...]",
        help="run the properties against a library: a module's name or a file's path, of its subjects those with these "
        "names or patterns. May be given several times",
    )
    add("--lifetimes-write", action="store_true", help="write lifetimes.toml as this run would need it")
    add("--lifetimes-bench", action="store_true", help="measure instead: the library, the floor, the strategy it ships")
    add("--lifetimes-json", metavar="FILE", help="write all outcomes, if all tests ran")
    add("--lifetimes-md", metavar="FILE", help="write the table as Markdown, if all tests ran")
    add("--lifetimes-quick", action="store_true", help="repeat less")
    add("--lifetimes-seconds", type=int, metavar="N", help="after which a property hangs (120)")
    add("--lifetimes-progress", metavar="FILE", help="append how far it is, twice a minute")
    add("--lifetimes-gc-threshold", type=int, metavar="N", help="gc.set_threshold in pytest's processes")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    option = config.option
    if not option.lifetimes:
        for name, value in vars(option).items():
            if name.startswith("lifetimes_") and value:
                raise pytest.UsageError(f"--{name.replace('_', '-')} needs --lifetimes ADAPTER")
        return
    if not hasattr(os, "fork"):
        raise pytest.UsageError("--lifetimes needs os.fork: properties that crash or hang run in forks")
    from . import declarations

    if not hasattr(config, "workerinput"):  # for the processes that properties get of their own, and xdist's workers
        os.environ["LIFETIMES_QUICK"] = "1" if option.lifetimes_quick else ""
        os.environ["LIFETIMES_SECONDS"] = str(option.lifetimes_seconds or "")
        os.environ["LIFETIMES_TOML"] = str(config.rootpath / declarations.NAME)
    pytest.register_assert_rewrite("lifetimes.properties")
    from . import session

    session.configure(config)
