"""The cache: for a while, and so many things at most."""

import pytest

from cloudtrail_to_delta.ui.cache import Cache


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def test_what_was_made_is_kept_for_a_while_and_then_made_again():
    clock, made = Clock(), []
    cache = Cache(seconds=15, size=2, clock=clock)
    make = lambda: made.append(1) or len(made)  # noqa: E731
    assert (cache.get("a", make), cache.get("a", make)) == (1, 1)
    clock.now += 15
    assert cache.get("a", make) == 2


def test_the_least_recently_used_is_forgotten_when_there_are_too_many():
    cache, made = Cache(seconds=15, size=2, clock=Clock()), []

    def get(key):
        cache.get(key, lambda: made.append(key))

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)
    assert made == ["a", "b", "c", "b"]


def test_what_cannot_be_made_is_not_kept():
    cache = Cache(seconds=15, size=2, clock=Clock())
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 3) == 3
