import opentimelineio.schema as schema

LIBRARY, HOLDER = "OpenTimelineIO", "Clip in a Track"
REQUIREMENTS, MEGABYTES = ("pip:opentimelineio==0.18.1",), 12
DOCUMENTED, URL = "not found", "https://opentimelineio.readthedocs.io/en/stable/cxx/bridges/python.html"

Class = schema.Clip


def make(cls):
    return cls()


def put(obj):
    holder = schema.Track()
    holder.append(obj)
    return holder


def get(holder):
    return holder[0]
