"""The memory of earlier alerts as a dict, kept as the text that an Airflow Variable holds."""

import json
from dataclasses import dataclass, field

from cloudtrail_to_delta.records.cause import Cause


@dataclass
class Memory:
    """What Airflow's Variables keep, without Airflow; `broken` makes it unreachable."""

    kept: dict[str, str] = field(default_factory=dict)
    broken: bool = False

    def get(self, fingerprint):
        self._reach()
        text = self.kept.get(fingerprint)
        return None if text is None else Cause.from_dict(json.loads(text))

    def put(self, fingerprint, record):
        self._reach()
        self.kept[fingerprint] = json.dumps(record.to_dict())

    def forget(self, fingerprint):
        self._reach()
        self.kept.pop(fingerprint, None)

    def items(self):
        self._reach()
        yield from [(key, self.get(key)) for key in self.kept]

    def _reach(self):
        if self.broken:
            raise ConnectionError("no answer")
