"""lifetimes.toml: what subjects are declared to break, and why.

[scene.breaks]
I2 = "a new wrapper for every look-up"
"G6[self]" = "gc does not see what native code holds"

[scene."crashed|breaks"]
T4 = "the count is not atomic"
"""

import json
import os
import re

try:
    import tomllib
except ImportError:  # before 3.11 pytest brings it along
    import tomli as tomllib

NAME = "lifetimes.toml"
OUTCOMES = ("breaks", "crashed", "hung", "n/a", "holds")


def read(path):
    """{subject: {property: (outcome, reason)}}; nothing of a file that is not there. Raises ValueError."""
    if not path or not os.path.exists(path):
        return {}
    with open(path, "rb") as f:
        try:
            tables = tomllib.load(f)
        except tomllib.TOMLDecodeError as e:
            raise ValueError(f"{path}: {e}") from None
    found = {}
    for subject, outcomes in tables.items():
        mine = found[subject] = {}
        for outcome, reasons in _table(path, outcomes, subject).items():
            if not set(outcome.split("|")) <= set(OUTCOMES):
                raise ValueError(f"{path}: [{subject}.{outcome}]: outcomes are {', '.join(OUTCOMES)}, or two with a |")
            for property_id, reason in _table(path, reasons, f"{subject}.{outcome}").items():
                if not isinstance(reason, str) or not reason:
                    raise ValueError(f"{path}: {property_id} of [{subject}.{outcome}] needs a reason, as text")
                if property_id in mine:
                    raise ValueError(f"{path}: {subject} declares {property_id} twice")
                mine[property_id] = outcome, reason
    return found


def _table(path, value, name):
    if not isinstance(value, dict):
        raise ValueError(f"{path}: {name} must be a table, such as [scene.breaks]")
    return value


def text(declared):
    """The file for {subject: {property: (outcome, reason)}}."""
    lines = ["# What is declared not to hold, and why: strict, both ways. Written by pytest --lifetimes-write."]
    for subject, mine in declared.items():
        for outcome in dict.fromkeys(outcome for outcome, _ in mine.values()):
            lines += ["", f"[{_key(subject)}.{_key(outcome)}]"]
            lines += [f"{_key(p)} = {_string(why)}" for p, (its, why) in mine.items() if its == outcome]
    return "\n".join(lines) + "\n"


def _key(name):
    return name if re.fullmatch(r"[\w-]+", name, re.A) else _string(name)


def _string(text):
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON's strings are TOML's, but for DEL


def needed(cells, declared):
    """({subject: {property: (outcome, reason)}} as it would have to be, the cells that cannot be declared)."""
    wanted, bugs = {name: dict(mine) for name, mine in declared.items()}, []
    for c in cells:
        mine = wanted.setdefault(c.subject, {})
        if c.outcome == c.expected:
            continue
        mine.pop(c.id, None)
        if c.outcome == "failed":
            bugs.append(c)
        elif c.outcome != "holds":
            mine[c.id] = c.outcome, c.why
    return {name: mine for name, mine in wanted.items() if mine}, bugs
