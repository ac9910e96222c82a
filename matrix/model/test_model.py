"""Strategies against the reference model: random sequences, and those that once failed."""

import gc
import os
import random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from lifetimes.model.stress import sequence
from lifetimes.model.world import OPERATIONS, Event, World, run
from lifetimes.subject import find

each_subject = pytest.mark.parametrize("subject", find("subjects.strategies"), ids=lambda s: s.name)

# Sequences that once failed, cut down; what was wrong is beside each.
REGRESSIONS = {
    "a chain through a native edge needs a second collection": [
        ("create", 0, 1, 1),
        ("create", 1, 1, 1),
        ("append", 0, 1, 0),
        ("cycle", 0, 0, 0),
        ("cycle", 1, 0, 0),
        ("hold", 0, 0, 0),
        ("junk", 1, 0, 0),
        ("junk", 0, 0, 0),
        ("release", 0, 0, 0),
    ],
    "a wrapper that refers to itself, held, dropped by a garbage cycle": [
        ("native", 4, 36, 35),
        ("cycle", 47, 54, 6),
        ("junk", 2, 1, 0),
        ("release", 0, 1, 0),
    ],
    "wrapped again after a callback and two garbage cycles": [
        ("native", 30, 9, 5),
        ("get", 51, 17, 12),
        ("cycle", 19, 18, 40),
        ("hold", 27, 28, 10),
        ("callback", 5, 2, 29),
        ("junk", 3, 57, 59),
        ("junk", 36, 7, 36),
        ("get", 21, 59, 25),
    ],
    "a cycle made, dropped, and made again on what comes back": [
        ("create", 53, 8, 21),
        ("hold", 0, 39, 42),
        ("cycle", 47, 54, 6),
        ("drop", 50, 39, 49),
        ("get", 25, 36, 25),
        ("cycle", 39, 5, 14),
    ],
    "a __del__ that gc ran, of a wrapper that native code holds, does not run again": [
        ("create", 5, 0, 0),
        ("hold", 0, 0, 0),
        ("junk", 0, 0, 0),
        ("get", 0, 0, 0),
        ("arm", 0, 0, 0),
    ],
    "user code inside an emit drops the last variable of a wrapper that only gc destroys": [
        ("armed", 55, 1, 9),
        ("reemit", 38, 30, 51),
        ("drop", 41, 14, 10),
        ("create", 11, 5, 21),
        ("cycle", 9, 22, 17),
        ("reemit", 34, 0, 56),
        ("get", 47, 49, 28),
    ],
    "a tuple of the model's own that the trashcan puts off keeps self of a __del__": [
        ("armed", 8, 47, 34),
        ("armed", 2, 2, 10),
        ("armed", 13, 12, 10),
        ("armed", 54, 26, 30),
        ("armed", 4, 34, 27),
        ("armed", 21, 5, 44),
        ("release", 14, 15, 59),
        ("drop", 29, 59, 56),
        ("nest", 15, 9, 38),
        ("nest", 58, 42, 0),
        ("armed", 21, 20, 41),
        ("armed", 44, 53, 46),
        ("armed", 40, 34, 23),
        ("armed", 32, 40, 16),
        ("armed", 13, 57, 25),
        ("armed", 6, 8, 1),
        ("get", 40, 32, 26),
        ("get", 39, 40, 31),
        ("junk", 14, 33, 43),
        ("drop", 32, 32, 35),
        ("get", 19, 39, 47),
        ("armed", 21, 16, 46),
        ("release", 48, 34, 32),
        ("reemit", 23, 38, 5),
        ("nest", 6, 30, 48),
        ("armed", 49, 39, 25),
        ("armed", 34, 52, 17),
        ("armed", 6, 28, 25),
        ("nest", 49, 3, 24),
    ],
}

number = st.integers(0, 59)


@pytest.fixture(autouse=True)
def frozen():
    """gc looks at what a test makes, not at pytest and hypothesis, too."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def machine(subject):
    """A state machine with a rule for each operation."""

    class Machine(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            gc.collect()
            self.world = World(subject)

        def teardown(self):
            self.world.close()

    for name in OPERATIONS:

        def step(self, i, j, k, name=name):
            getattr(self.world, f"op_{name}")(i, j, k)

        step.__name__ = name
        setattr(Machine, name, rule(i=number, j=number, k=number)(step))
    return Machine


@each_subject
def test_random_sequences_agree_with_the_model(subject):
    examples = int(os.environ.get("MODEL_EXAMPLES", "8"))
    run_state_machine_as_test(
        machine(subject),
        settings=settings(
            max_examples=examples,
            stateful_step_count=60,
            deadline=None,
            database=None,
            derandomize="MODEL_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )


@each_subject
def test_user_code_inside_deaths_agrees_with_the_model(subject, record_property):
    """Sequences in which __del__, weak reference callbacks, values of __slots__ and __dict__, and callbacks call the API."""
    reentered = 0
    examples = int(os.environ.get("MODEL_EXAMPLES", "8"))
    for seed in range(examples):
        gc.collect()
        reentered += run(subject, sequence(seed, 150, eventful=True))
    record_property("API calls inside events", reentered)
    assert reentered > 20 * examples


@each_subject
@pytest.mark.parametrize("what", REGRESSIONS)
def test_what_once_failed(subject, what):
    run(subject, REGRESSIONS[what])


@each_subject
def test_a_collection_that_starts_while_the_model_takes_a_wrapper(subject):
    """An event of it follows the model: a wrapper that a wrap has just given is not dropped."""
    world = World(subject)
    world.op_native(0, 0, 0)
    world.op_drop(0, 0, 0)
    same = world.same

    def followed(real, w):
        world.follow()
        same(real, w)

    world.same = followed
    world.op_get(0, 0, 0)
    world.same = same
    world.close()


@each_subject
def test_a_collection_between_a_drop_and_a_wrap_inside_an_emit(subject):
    world, r = World(subject), random.Random(0)
    world.op_create(0, 0, 1)
    world.op_hold(0, 0, 0)
    world.op_cycle(0, 0, 0)
    w = world.variables[0][1]
    world.re_drop(w, None, r, False)
    gc.collect()
    world.re_get(w, None, r, False)
    world.close()


@each_subject
def test_a_del_in_a_collection_keeps_what_refers_to_another_with_a_del(subject):
    """gc runs both before it sees that."""
    world = World(subject)
    for _ in range(2):
        world.op_create(5, 0, 0)
    world.op_append(0, 1, 0)
    world.op_cycle(0, 0, 0)
    world.op_arm(0, 0, 0)
    world.act = world.re_keep
    world.op_drop(1, 0, 0)
    world.op_drop(0, 0, 0)
    world.close()


@each_subject
def test_a_callback_of_the_wrapper_s_death_releases_the_last_reference_to_a_parent(subject):
    """The child that its edge kept dies, and what was kept of that, before the callback returns."""
    world = World(subject)
    for _ in range(2):
        world.op_create(1, 0, 0)
    world.op_append(0, 1, 0)
    world.op_arm(1, Event.KINDS.index("dict"), 0)
    world.op_arm(0, Event.KINDS.index("finalize"), 0)
    world.op_hold(0, 0, 0)
    world.act = world.re_release
    world.op_drop(1, 0, 0)
    world.op_drop(0, 0, 0)
    world.close()
