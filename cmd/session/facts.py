"""What a session has to know of Python and of the suite, as JSON: see facts.go."""

import json
import sys
import sysconfig

import pyobject_preservation as pp

sys.path.insert(0, "matrix")
import subjects
from subjects import requirements

print(
    json.dumps(
        {
            "version": " ".join(sys.version.split()),
            "short": f"{sys.version_info[0]}.{sys.version_info[1]}{getattr(sys, 'abiflags', '')}",
            "configuration": sysconfig.get_config_var("CONFIG_ARGS"),
            "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "base": sys._base_executable,
            "strategies": list(pp.STRATEGIES),
            "libraries": list(subjects.LIBRARIES),
            "requirements": {
                kind: {name: requirements.of(table, name, adapter) for name, adapter in subjects.LIBRARIES.items()}
                for kind, table in (("pypi", requirements.PYPI), ("debian", requirements.DEBIAN))
            },
            # Looking at all libraries imports some of them, which takes a while.
            "missing": {name: why for name in sys.argv[1:] if (why := subjects.missing(name))},
        }
    )
)
