import itertools

import h5py

PRODUCT = {
    "library": "h5py",
    "holder": "Group of a File",
    "requirements": ("pip:h5py==3.16.0",),
    "megabytes": 90,
    "documented": "not found",
    "url": "https://docs.h5py.org/en/stable/high/group.html",
}

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
