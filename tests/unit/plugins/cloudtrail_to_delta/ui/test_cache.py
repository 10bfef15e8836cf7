"""The cache: recent data is shown while it is read anew, and whoever waits delays nobody else."""

import contextlib
import threading

import pytest

from cloudtrail_to_delta.ui.cache import RECENT_SECONDS, STALE_SECONDS, Cache, SlowDatabaseError


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class Database:
    """Answers with the number of the question, once it may."""

    def __init__(self):
        self.asked = 0
        self.answers = threading.Event()
        self.answers.set()
        self.answered = threading.Event()

    def __call__(self):
        self.asked += 1
        asked = self.asked
        self.answers.wait(60)
        self.answered.set()
        return asked


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database():
    found = Database()
    yield found
    found.answers.set()


@pytest.fixture
def cache(clock):
    return Cache(seconds=15, size=2, clock=clock)


@pytest.fixture
def impatient(clock):
    """A cache whose visitors wait for a moment only."""
    return Cache(seconds=15, size=2, patience=0.01, longest=0.01, clock=clock)


def newest(cache, database, number):
    """What the cache shows once it has the answer to that question."""
    for _ in range(6000):
        with contextlib.suppress(SlowDatabaseError):
            if (found := cache.get("a", database)) == number:
                return found
        threading.Event().wait(0.01)
    return found


def test_what_was_read_is_kept_for_a_while(cache, clock, database):
    assert (cache.get("a", database), cache.get("a", database)) == (1, 1)
    clock.now += 14
    assert cache.get("a", database) == 1
    assert database.asked == 1


def test_recent_data_is_shown_at_once_while_it_is_read_anew_by_one_thread(cache, clock, database):
    assert cache.get("a", database) == 1
    clock.now += 15
    database.answers.clear()
    assert [cache.get("a", database) for _ in range(5)] == [1] * 5
    database.answers.set()
    assert newest(cache, database, 2) == 2
    assert database.asked == 2


def test_older_data_is_shown_only_if_the_database_is_slow(cache, impatient, clock, database):
    assert (cache.get("a", database), impatient.get("a", database)) == (1, 2)
    clock.now += RECENT_SECONDS
    assert cache.get("a", database) == 3
    database.answers.clear()
    assert impatient.get("a", database) == 2


def test_without_data_that_is_recent_enough_a_slow_database_is_an_error_that_says_so(
    impatient, clock, database
):
    assert newest(impatient, database, 1) == 1
    clock.now += STALE_SECONDS
    database.answers.clear()
    with pytest.raises(SlowDatabaseError, match="has not answered within"):
        impatient.get("a", database)
    database.answers.set()
    assert newest(impatient, database, 2) == 2


def test_a_thread_that_hangs_is_given_up_and_its_late_answer_replaces_no_newer_one(
    impatient, clock, database
):
    database.answers.clear()
    with pytest.raises(SlowDatabaseError):
        impatient.get("a", database)
    clock.now += STALE_SECONDS
    assert newest(impatient, lambda: "new", "new") == "new"
    database.answers.set()
    assert database.answered.wait(60)
    assert impatient.get("a", lambda: "newer") == "new"


def test_who_waits_for_one_entry_delays_no_other(cache, database):
    database.answers.clear()
    waiting = threading.Thread(target=cache.get, args=("slow", database), daemon=True)
    waiting.start()
    assert cache.get("fast", lambda: "fast") == "fast"
    database.answers.set()
    waiting.join(60)
    assert cache.get("slow", database) == 1


def test_the_least_recently_used_is_forgotten_when_there_are_too_many(cache):
    made = []

    def get(key):
        cache.get(key, lambda: made.append(key))

    for key in ("a", "b", "a", "c", "a", "b"):
        get(key)
    assert made == ["a", "b", "c", "b"]


def test_what_cannot_be_read_is_not_kept_and_does_not_replace_what_was(cache, clock):
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 // 0)
    assert cache.get("a", lambda: 3) == 3
    clock.now += RECENT_SECONDS
    assert cache.get("a", lambda: 1 // 0) == 3
