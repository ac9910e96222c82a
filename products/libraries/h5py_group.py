import itertools

import h5py

LIBRARY, HOLDER = "h5py", "Group of a File"
REQUIREMENTS, MEGABYTES = ("pip:h5py==3.16.0",), 90
DOCUMENTED, URL = "not found", "https://docs.h5py.org/en/stable/high/group.html"

Class = None
files, numbers = {}, itertools.count()


def make(cls):
    file = h5py.File(f"memory-{next(numbers)}", "w", driver="core", backing_store=False)
    group = file.create_group("group")
    files[id(group)] = file
    return group


def put(obj):
    return files.pop(id(obj))


def get(holder):
    return holder["group"]
