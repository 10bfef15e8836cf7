"""What a set-up says of a check that failed: true for it, and with params that its form has."""

import ast
import re
from pathlib import Path

import cloudtrail_to_delta.preflight
from cloudtrail_to_delta.operators.setup_preflight import describe, in_setup_words
from cloudtrail_to_delta.params.ingest import PARAMS
from cloudtrail_to_delta.params.setup import SETUP_PARAMS
from cloudtrail_to_delta.preflight.findings import AFTERWARDS, Finding

# Words with an underscore are params and nothing else; `cluster_id` and the like are the set-up's too.
LACKING = {name for name in set(PARAMS) - set(SETUP_PARAMS) if "_" in name}


def finding(remedy):
    return Finding(check="checkpoint", subject="s3://lake/c", status="failed", detail="d", remedy=remedy)


def remedies():
    """Every text of the package that is given as a remedy, or kept under a name for one."""
    for path in Path(cloudtrail_to_delta.preflight.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            argument = isinstance(node, ast.keyword) and node.arg == "remedy"
            kept = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("remedy", "OTHER")
            if argument or kept:
                parts = [one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)]
                yield " ".join(part for part in parts if isinstance(part, str))


def test_no_remedy_names_a_param_that_the_form_of_the_set_up_lacks():
    texts = [text.replace("{kind}", "events") for text in remedies()]
    assert len(texts) > 20
    for text in texts:
        words = in_setup_words(finding(text)).remedy
        assert not LACKING.intersection(re.findall(r"\w+", words)), words


def test_the_error_says_what_follows_for_the_set_up_and_not_for_an_ingest():
    failed = [finding("Choose another checkpoint path (events_checkpoint_path or checkpoint_root).")]
    assert describe(
        failed, what="check(s) of the tables failed", then="nothing was changed"
    ).splitlines() == [
        "1 check(s) of the tables failed; nothing was changed:",
        "  - checkpoint s3://lake/c: d",
        "    → Choose another checkpoint path (checkpoint_root).",
        AFTERWARDS,
    ]
