"""Loading at the first use, for runtimes that do not survive the fork that each property gets."""

import functools


class Deferred:
    """In place of a module, which load returns."""

    def __init__(self, load):
        self._load = load

    @functools.cached_property
    def _module(self):
        return self._load()

    def __getattr__(self, name):
        return getattr(self._module, name)
