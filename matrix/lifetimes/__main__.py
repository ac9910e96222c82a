"""python -m lifetimes init [FILE]: write a commented adapter, lifetimes_adapter.py by default."""

import sys
from pathlib import Path

from . import template

NEXT = """{file} is written. It works as it is, for a stand-in of a library: put yours in its place. Then

    pytest --lifetimes {file}
"""


def main(arguments):
    if not 1 <= len(arguments) <= 2 or arguments[0] != "init" or arguments[-1].startswith("-"):
        sys.exit(f"usage: {__doc__}")
    path = Path(arguments[1] if len(arguments) == 2 else "lifetimes_adapter.py")
    if path.exists():
        sys.exit(f"{path} is there already, and stays as it is")
    text = Path(template.__file__).read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    print(NEXT.format(file=path), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
