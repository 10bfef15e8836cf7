"""Every part means the same by a path: contract, job, policy of the reader role, preflight's lists, SQL."""

import re
from datetime import date, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise, product
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.bounds import bounded, takes_bounds
from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.iam.reader import READ_LOGS, required_access
from cloudtrail_to_delta.kinds import FOLDERS
from cloudtrail_to_delta.operators.tables import create_table_statement
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.locations import SEGMENT, S3Location, same_place
from cloudtrail_to_delta.params.request import IngestRequest, resolve_requests
from cloudtrail_to_delta.runs.payload import job_parameters

DEFAULTS = {name: param.value for name, param in ingest_params().items()}
ACCOUNTS = ("111122223333", "444455556666")
REGIONS = ("us-east-1", "us-east-2", "eu-west-1")
PREFIXES = ("", "audit", "a.b/c=d", "AWSLogs2", "x/AWSLogsX")

prefixes = st.sampled_from(PREFIXES)
accounts = st.sampled_from([*ACCOUNTS, "*"])
folders = st.sampled_from(sorted(FOLDERS.values()))
regions = st.sampled_from(["*", *REGIONS, "{us-east-1,eu-west-1}", "{us-east-1}", "{us-east-2,us-east-2}"])
days = st.dates(date(2024, 11, 1), date(2026, 3, 31))


def requested(**changed: Any) -> dict[str, IngestRequest]:
    """The requests of these params; none if the contract refuses them."""
    try:
        return resolve_requests(DEFAULTS | changed)
    except InvalidRequestError:
        return {}


def key_of(prefix: str, account: str, folder: str, region: str, day: date) -> str:
    name = f"{account}_{folder}_{region}_{day:%Y%m%d}T1105Z_9sHvTPxS1n9XyZ01.json.gz"
    head = f"{prefix}/" if prefix else ""
    return f"{head}AWSLogs/{account}/{folder}/{region}/{day:%Y/%m/%d}/{name}"


def expanded(glob: str) -> list[str]:
    """A glob's alternatives without braces, as Hadoop's GlobExpander makes them; braces may be nested."""
    depth, begin, commas = 0, -1, []
    for at, character in enumerate(glob):
        if character == "{":
            depth += 1
            begin, commas = (at, []) if depth == 1 else (begin, commas)
        elif character == "," and depth == 1:
            commas.append(at)
        elif character == "}":
            depth -= 1
            if depth == 0:
                cuts = [begin, *commas, at]
                choices = [glob[one + 1 : other] for one, other in pairwise(cuts)]
                return [found for one in choices for found in expanded(glob[:begin] + one + glob[at + 1 :])]
    assert depth == 0, f"{glob!r}: unclosed"
    return [glob]


def matcher(glob: str) -> re.Pattern[str]:
    """What takes in the keys that a glob matches, or a folder above them; a star stays within one folder."""
    patterns = [re.escape(one).replace(r"\*", "[^/]*") for one in expanded(glob)]
    return re.compile(f"({'|'.join(patterns)})(/.*)?")


@settings(max_examples=60, deadline=None)
@given(prefixes, accounts, folders, regions, days, days, days)
def test_the_job_lists_and_the_role_may_read_what_the_path_says_and_nothing_else(
    prefix: str, account: str, folder: str, region: str, one: date, other: date, day: date
) -> None:
    kind = next(kind for kind, its in FOLDERS.items() if its == folder)
    base = f"s3://audit-logs/{prefix}/" if prefix else "s3://audit-logs/"
    path = f"{base}AWSLogs/{account}/{folder}/{region}/*"
    request = requested(kinds=[kind], **{f"{kind}_logs_path": path})[kind]
    wanted_regions = {*re.findall(r"[a-z0-9-]+", region)} or {*REGIONS}
    first, last = sorted((one, other))
    assert takes_bounds(request.logs_path)
    glob = matcher(bounded(request.logs_path, first, last).removeprefix("s3://audit-logs/"))
    grants = [
        access.resource_arn.removeprefix("arn:aws:s3:::audit-logs/")
        for access in required_access({kind: request}, code_root="")
        if access.statement == READ_LOGS
    ]
    edges = (day, first, last, first - timedelta(days=1), last + timedelta(days=1))
    for where, whose, what, place, when in product(
        (prefix, "elsewhere"), ACCOUNTS, FOLDERS.values(), REGIONS, edges
    ):
        key = key_of(where, whose, what, place, when)
        of_stream = where == prefix and account in ("*", whose) and what == folder
        granted = of_stream and place in wanted_regions
        assert (glob.fullmatch(key) is not None) == (granted and first <= when <= last), (glob, key)
        # The days are the run's, not the role's.
        assert any(fnmatchcase(key, grant) for grant in grants) == granted, (grants, key)


text = st.lists(
    st.sampled_from(
        ["s3://", "/", "lake", "a-b", "c=d", "'", "\\", "`", " ", "*", "{", "é", "%2e", "..", "x.y"]
    ),
    max_size=6,
).map("".join)
sound = st.lists(st.from_regex(SEGMENT, fullmatch=True), min_size=1, max_size=3).map("/".join)
paths = text | sound.map("lake/{}".format)


@example("lake/a'b", "lake/c")
@example("lake/delta", "lake/checkpoints")
@given(paths, paths)
def test_a_table_and_a_checkpoint_are_at_one_place_for_contract_job_and_sql(
    target: str, checkpoint: str
) -> None:
    given_paths = {"target_root": f"s3://{target}", "checkpoint_root": f"s3://{checkpoint}"}
    for kind, request in requested(kinds=["events"], **given_paths).items():
        words = job_parameters([request], DEFAULTS, run="(d, r)", version="")
        (asked,) = parse_arguments([f"--{name}={value}" for name, value in words.items()])
        assert (asked.kind, asked.logs_path) == (kind, request.logs_path)
        assert (asked.delta_path, asked.checkpoint_path) == (request.delta_path, request.checkpoint_path)
        for table, path in request.tables.items():
            literal = re.fullmatch(r"CREATE .* LOCATION '(.*)'", create_table_statement(table, path))
            assert literal is not None
            # Nothing of an accepted path needs to be escaped, in SQL or in a URI.
            assert literal[1] == path == S3Location.parse(path).uri
            assert same_place(f"{path}/", path)
