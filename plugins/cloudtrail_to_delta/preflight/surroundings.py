"""Describe a logs path without log files: the first part that is missing, and what exists instead."""

from collections.abc import Sequence

from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, ORGANIZATION, ROOT, LogsLocation
from cloudtrail_to_delta.preflight.listing import Folders, Listing

SHOWN = 5


def describe_surroundings(listing: Listing, logs: LogsLocation) -> tuple[str, str]:
    """Return what exists instead of log files, and what to change (empty if there is no suggestion).

    Makes at most six requests, and no more than `listing` has left.
    """
    base = f"{logs.prefix}/" if logs.prefix else ""
    steps: list[tuple[str, Sequence[str]]] = [("prefix", [ROOT])]
    if logs.organization:
        steps.append(("organization", [logs.organization]))
    steps += [("account", [logs.account]), ("kinds", [logs.folder]), ("regions", logs.regions)]
    for param, wanted in steps:
        if not listing.left:
            return f"{base!r} exists", ""
        there = listing.folders(base)
        present = [name for name in there.names if _fits(name, param, wanted)]
        if not present:
            names = ", ".join(f"{name}/" for name in wanted)
            missing = param.removesuffix("s") if list(wanted) == [ANY] else names
            detail = f"{base or 'the bucket'} has no {missing}; it contains {_names(there)}"
            if param == "prefix" and logs.prefix and listing.left:
                top = listing.folders("")
                return f"{detail}; the top of the bucket contains {_names(top)}", _suggest_prefix(top)
            return detail, _suggest(param, there)
        base += f"{present[0]}/"
    return f"{base!r} exists but has no log file{f' in {logs.period}' if logs.period else ''}", ""


def _fits(name: str, param: str, wanted: Sequence[str]) -> bool:
    if list(wanted) != [ANY]:
        return name in wanted
    return param != "account" or ACCOUNT.fullmatch(name) is not None


def _suggest(param: str, there: Folders) -> str:
    organizations = [name for name in there.names if ORGANIZATION.fullmatch(name)]
    accounts = [name for name in there.names if ACCOUNT.fullmatch(name)]
    if param == "account" and organizations:
        return f"This is an organization trail: set organization to {organizations[0]!r}."
    if param == "organization" and accounts:
        return "This is not the bucket of an organization trail: leave organization empty."
    suggestions = {
        "account": f"Set account to one of these, or to {ANY!r} for all of them." if accounts else "",
        "regions": f"Set regions to some of these, or to {ANY!r} for all of them." if there.names else "",
        "kinds": "Turn on logging of this kind in the trail, or remove it from kinds.",
    }
    return suggestions.get(param, "")


def _suggest_prefix(top: Folders) -> str:
    return "Leave prefix empty." if ROOT in top.names else "Correct prefix."


def _names(there: Folders) -> str:
    names = [f"{name}/" for name in there.names] + [key.rpartition("/")[2] for key in there.keys]
    more = len(names) - SHOWN
    shown = ", ".join(names[:SHOWN]) or "nothing"
    return f"{shown} and {more}{'' if there.complete else ' or more'} others" if more > 0 else shown
