"""The take-home extensions: the strategies' headers in plain C extensions, without Go and the suite.

They have every class and function of a strategy's module, so there is nothing to adapt.
"On a goroutine" means a POSIX thread that Python does not know.
"""

import importlib
import os
import sys
import sysconfig

from . import HERE, Library


def built(name):
    """The extension called name, which takehome/build.py made."""
    tag = sysconfig.get_config_var("SOABI") or sys.implementation.cache_tag
    folder = os.environ.get("MATRIX_TAKEHOME") or os.path.join(
        os.path.dirname(os.path.dirname(HERE)), ".build", "takehome", tag
    )
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as e:
        raise ImportError(f"{e}; make takehome builds it") from None


def complete(scheme, idea, differs=()):
    return Library(
        f"takehome-{scheme}", ships=scheme, idea=idea, load=lambda: built(f"complete_{scheme}"), differs=differs
    )


SUBJECTS = [
    complete("preserve", "preserve.h in a C extension of its own"),
    complete("toggleref", "toggleref.h in a C extension of its own"),
    complete("intrusive", "intrusive.h in a C extension of its own"),
    complete("mirrored", "mirrored.h in a C extension of its own"),
    complete("instancemap", "instancemap.h in a C extension of its own, for a native class without a slot"),
    Library(
        "takehome-shared_ptr",
        ships="toggleref",
        idea="toggleref.h for C++ classes behind std::shared_ptr, which know nothing of Python",
        load=lambda: built("shared_ptr"),
    ),
]
