import igraph

PRODUCT = {
    "library": "igraph",
    "holder": "Vertex of a Graph",
    "requirements": ("pip:igraph==1.0.0",),
    "megabytes": 16,
    "documented": "not found",
    "url": "https://python.igraph.org/en/stable/api/igraph.Vertex.html",
}

Class = None
graphs = {}


def make(cls):
    graph = igraph.Graph(1)
    vertex = graph.vs[0]
    graphs[id(vertex)] = graph
    return vertex


def put(obj):
    return graphs.pop(id(obj))


def get(holder):
    return holder.vs[0]
