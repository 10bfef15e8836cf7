"""How much each part measures: everything, a quick look, or just enough to see that the benchmarks run."""

from dataclasses import dataclass, replace

# In the order in which they run; each is a module of `tests.benchmarks.parts`.
PARTS = (
    *("first_load", "unpacking", "hourly", "nothing_new", "storage", "memory", "queries", "airflow"),
    *("slow_store", "settings", "completeness", "cost", "views"),
)


@dataclass(frozen=True)
class FirstLoad:
    """One size of the first load; in `results` its figures begin with `name`."""

    name: str
    records: int
    files: int
    rounds: int


@dataclass(frozen=True)
class History:
    """What was ingested before an hourly run: files of one record, spread evenly over the last `days`."""

    files: int
    days: int


@dataclass(frozen=True)
class Sizes:
    """The numbers of one command; `parts` are those that run unless others are asked for."""

    name: str
    parts: tuple[str, ...]
    first_load: tuple[FirstLoad, ...]
    histories: tuple[History, ...]
    rounds: int
    sweep: bool
    nothing_new: tuple[str, ...]
    storage: tuple[int, int]
    hourly_runs: int
    memory_records: tuple[int, ...]
    queries: tuple[int, int]
    question_rounds: int
    accounts: tuple[int, ...]
    slow_files: int
    slow_rounds: int
    settings_rounds: int
    # Accounts and regions with a day of digests, and the log files of the day that is reconciled.
    digests: tuple[int, int]
    digest_rounds: int
    reconciled: int
    cost_accounts: tuple[int, ...]

    def with_rounds(self, rounds: int) -> "Sizes":
        """The same with as many rounds of everything that is measured in rounds."""
        first_load = tuple(replace(one, rounds=rounds) for one in self.first_load)
        return replace(
            self,
            first_load=first_load,
            rounds=rounds,
            slow_rounds=rounds,
            settings_rounds=rounds,
            digest_rounds=rounds,
        )


# A history grows with the account: three years of it hold a hundred times the files of two months.
FULL = Sizes(
    name="full",
    parts=PARTS,
    first_load=(FirstLoad("small", 400_000, 2_000, 3), FirstLoad("large", 1_600_000, 8_000, 2)),
    histories=(History(1_000, 60), History(10_000, 365), History(100_000, 1095)),
    rounds=3,
    sweep=True,
    nothing_new=("guide", "ours"),
    storage=(100_000, 500),
    hourly_runs=24,
    # About 200 MB of JSON, and about 50 MB of gzip.
    memory_records=(90_000, 230_000),
    queries=(400_000, 2_000),
    question_rounds=5,
    accounts=(1, 50, 500),
    slow_files=2_000,
    slow_rounds=1,
    settings_rounds=3,
    digests=(50, 17),
    digest_rounds=2,
    reconciled=100_000,
    cost_accounts=(1, 3, 10),
)
QUICK = Sizes(
    name="quick",
    # What five minutes are enough for.
    parts=("first_load", "hourly", "nothing_new"),
    first_load=(FirstLoad("small", 20_000, 200, 1),),
    histories=(History(200, 60), History(2_000, 365)),
    rounds=1,
    sweep=False,
    nothing_new=("ours",),
    storage=(20_000, 200),
    hourly_runs=3,
    memory_records=(5_000,),
    queries=(20_000, 200),
    question_rounds=1,
    accounts=(1, 5),
    slow_files=100,
    slow_rounds=1,
    settings_rounds=1,
    digests=(5, 17),
    digest_rounds=1,
    reconciled=100_000,
    cost_accounts=(1,),
)
TINY = Sizes(
    name="tiny",
    parts=PARTS,
    first_load=(FirstLoad("small", 400, 20, 1), FirstLoad("large", 800, 40, 1)),
    histories=(History(20, 60), History(40, 365)),
    rounds=1,
    sweep=True,
    nothing_new=("guide", "ours"),
    storage=(400, 20),
    hourly_runs=2,
    memory_records=(500,),
    queries=(400, 20),
    question_rounds=1,
    accounts=(1, 2),
    slow_files=10,
    slow_rounds=1,
    settings_rounds=1,
    digests=(1, 2),
    digest_rounds=1,
    reconciled=2_000,
    cost_accounts=(1,),
)
SIZES = {sizes.name: sizes for sizes in (FULL, QUICK, TINY)}
