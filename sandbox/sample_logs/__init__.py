"""Sample CloudTrail logs: repeatable, realistic in shape, in CloudTrail's key layout, some of them damaged.

`generate` yields the log files of a `SampleSpec`. `write` puts them into a bucket and returns what the tables
must hold after an ingest. Nothing in the logs is real: accounts, people and addresses are invented or
reserved for examples.
"""

from sandbox.sample_logs.files import generate
from sandbox.sample_logs.spec import LogFile, SampleSpec
from sandbox.sample_logs.summary import SampleSummary
from sandbox.sample_logs.upload import write

__all__ = ["LogFile", "SampleSpec", "SampleSummary", "generate", "write"]
