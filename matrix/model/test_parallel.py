"""Strategies against the reference model, with threads that run at once."""

import os
import sys

import pytest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]

import parallel  # noqa: E402
import subjects  # noqa: E402


@pytest.mark.parametrize("name", subjects.names())
def test_threads_that_run_at_once_agree_with_the_model(name):
    subject = subjects.load(name)
    if subject.unloadable:
        pytest.skip(subject.unloadable)
    for seed in range(int(os.environ.get("MODEL_EXAMPLES", "8")) // 4):
        parallel.run(subject, seed)
