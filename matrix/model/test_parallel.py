"""Strategies against the reference model, with threads that run at once."""

import os

import pytest
from lifetimes.model import parallel
from lifetimes.subject import find


@pytest.mark.parametrize("subject", find("subjects.strategies"), ids=lambda s: s.name)
def test_threads_that_run_at_once_agree_with_the_model(subject):
    if subject.unloadable:
        pytest.skip(subject.unloadable)
    for seed in range(int(os.environ.get("MODEL_EXAMPLES", "8")) // 4):
        parallel.run(subject, seed)
