"""What each task of the set-up does, and what to do when it fails."""

PURPOSE = {
    "resolve": "checks the whole form",
    "check_targets": "checks that the tables' folders, checkpoints and names are free; writes nothing",
    "plan": "reads what is there and shows what it takes; writes nothing",
    "approve": "waits, without a worker slot, until a person approves the plan",
    "apply": "makes and changes what differs, one action after the other",
    "remove": "takes away what carries the set-up's tag, in the opposite order",
    "verify": "plans again: nothing may be left to do",
    "try_access": "submits a job that lists, reads, writes and deletes on Databricks with the reader role",
    "wait_for_access": "waits, without a worker slot, for that job, and removes its traces",
    "preflight": "runs the checks of the ingest that this set-up is for",
    "report": "says what was done, and which params an ingest takes",
}
GUIDANCE = {
    "resolve": "The params break the contract; the error names every one. Correct them and trigger again. "
    "Nothing was changed.",
    "check_targets": "The tables cannot go where the params say, or that may not be read; each finding in "
    "the log has its remedy. Nothing was changed. Correct the params and trigger a new run, or remove what "
    "stands in the way and clear this task.",
    "plan": "Something may not be read, or a policy would be too large. The error names the call and the "
    "permission that is missing (docs/permissions.md has all of them). Mend it and clear this task.",
    "approve": "Nobody answered within three days. Trigger a new run: it plans anew.",
    "apply": "A call was refused, or somebody has changed something since the plan was made. The error says "
    "which, and what had been done by then. After a refusal, give the permission and clear this task: it "
    "goes on where it stopped. After a change, trigger a new run.",
    "remove": "As for `apply`: clear this task after a refusal, trigger a new run after a change.",
    "verify": "Something is not as it was written; the error has the plan of what is left. Trigger again.",
    "try_access": "Databricks refused the job, or the job wheel could not be put under the code root. The "
    "error says which. Mend it and clear this task: it never starts a second job beside one that runs.",
    "wait_for_access": "The role cannot do something that an ingest does; the error names the permission and "
    "the place. Mend the policy, then clear `try_access` with its downstream tasks.",
    "preflight": "At least one check failed; each finding in the log has its remedy. Mend it and clear this "
    "task. That there are no log files yet fails nothing here: a new trail delivers within minutes.",
    "report": "The set-up itself is done; only the summary failed. Clear this task.",
}
