"""What each task of the set-up does, and what to do when it fails."""

PURPOSE = {
    "resolve": "checks the whole form",
    "plan": "reads what is there and shows what it takes; writes nothing",
    "approve": "waits, without a worker slot, until a person approves the plan",
    "apply": "makes and changes what differs, one action after the other",
    "remove": "takes away what carries the set-up's tag, in the opposite order",
    "verify": "plans again: nothing may be left to do",
    "report": "says what was done, and which params an ingest takes",
}
GUIDANCE = {
    "resolve": "The params break the contract; the error names every one. Correct them and trigger again. "
    "Nothing was changed.",
    "plan": "Something may not be read, or a policy would be too large. The error names the call and the "
    "permission that is missing (docs/permissions.md has all of them). Mend it and clear this task.",
    "approve": "Nobody answered within three days. Trigger a new run: it plans anew.",
    "apply": "A call was refused, or somebody has changed something since the plan was made. The error says "
    "which, and what had been done by then. After a refusal, give the permission and clear this task: it "
    "goes on where it stopped. After a change, trigger a new run.",
    "remove": "As for `apply`: clear this task after a refusal, trigger a new run after a change.",
    "verify": "Something is not as it was written; the error has the plan of what is left. Trigger again.",
    "report": "The set-up itself is done; only the summary failed. Clear this task.",
}
