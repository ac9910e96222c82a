from pxr import Usd

PRODUCT = {
    "library": "USD",
    "holder": "Stage in a StageCache",
    "requirements": ("pip:usd-core==26.11",),
    "megabytes": 209,
    "documented": "not found",
    "url": "https://openusd.org/release/api/class_usd_stage_cache.html",
}

Class = None


def make(cls):
    return Usd.Stage.CreateInMemory()


def put(obj):
    holder = Usd.StageCache()
    holder.Insert(obj)
    return holder


def get(holder):
    return holder.GetAllStages()[0]
