from pxr import Usd

LIBRARY, HOLDER = "USD", "Stage in a StageCache"
REQUIREMENTS, MEGABYTES = ("pip:usd-core==26.11",), 217
DOCUMENTED, URL = "not found", "https://openusd.org/release/api/class_usd_stage_cache.html"

Class = None


def make(cls):
    return Usd.Stage.CreateInMemory()


def put(obj):
    holder = Usd.StageCache()
    holder.Insert(obj)
    return holder


def get(holder):
    return holder.GetAllStages()[0]
