import opentimelineio.schema as schema

PRODUCT = {
    "library": "OpenTimelineIO",
    "holder": "Clip in a Track",
    "requirements": ("pip:opentimelineio==0.18.1",),
    "megabytes": 12,
    "documented": "not found",
    "url": "https://opentimelineio.readthedocs.io/en/stable/cxx/bridges/python.html",
}

Class = schema.Clip


def make(cls):
    return cls()


def put(obj):
    holder = schema.Track()
    holder.append(obj)
    return holder


def get(holder):
    return holder[0]
