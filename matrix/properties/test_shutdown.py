"""X: what happens when the interpreter goes away?"""

from harness import program, prop


@prop("X1", "exit with live zombies", child=True)
def test_exit_with_live_zombies(s):
    """The interpreter exits with status 0 and prints nothing while native code holds dead wrappers."""
    for source in (
        # held by Python holders, in all the places that die at different times
        "a = m.MyClass(); a.x = 1; a.me = a; r = m.MyClassRef(a); del a\n"
        "import builtins; builtins.keep = m.MyClassRef(r.get())\n"
        "class Sub(m.MyClass):\n"
        "    __slots__ = ('s',)\n"
        "    keep = []\n"
        "    def __del__(self): self.id()\n"
        "b = Sub(); b.s = b; Sub.keep.append(m.MyClassRef(b)); del b\n",
        # held by native edges only, of an object that is never let go
        "p = m.MyClass()\n"
        "for n in range(100):\n"
        "    c = m.MyClass(); c.x = [p]; p.append(c)\n"
        "p.append(p)\n"
        "del p, c\n",
    ):
        status, out, err = program(s, source)
        assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"


@prop("X4", "wrap from an atexit callback", child=True)
def test_everything_works_from_an_atexit_callback(s):
    """Objects can be made, held, wrapped and released from atexit callbacks, whenever those were registered."""
    late = ("import atexit\n"
            "def late():\n"
            "    p, c = m.MyClass(), m.MyClass()\n"
            "    p.append(c); r = m.MyClassRef(c); p.remove(c); r.release()\n"
            "    assert c.id() and keep.get().id()\n"
            "    r = m.MyClassRef(p); del p, c\n"
            "    assert r.get().id()\n"
            "    r.release_from_goroutine()\n"
            "    for i in range(100): m.new_native().get().me = i\n"
            "atexit.register(late)\n")
    status, out, err = program(s, "keep = m.new_native(); keep.get().x = 1\n" + late)
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"
    # Registered before the import, so that it runs after ours.
    status, out, err = program(s, "keep = m.new_native(); keep.get().x = 1\n", before=late)
    assert (status, out, err) == (0, "", ""), f"exit status {status}: {out}{err}"
