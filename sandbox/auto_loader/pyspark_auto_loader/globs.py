"""Which files a path names: Auto Loader's two globbers.

Source: Databricks, "Common data loading patterns" (Filtering directories or files using glob patterns). Both
read `?`, `*`, `[ab]`, `[a-z]`, `[^a]` and `{ab,c{d,e}}`, and both read everything below a matching folder.
The strict one is that of Spark's file sources. With the default one a path with globs is a prefix of text,
`*` also matches slashes, and a slash at the end is ignored.
"""

import re

_GLOB = re.compile(r"[*?\[{]")


def matcher(path: str, *, strict: bool) -> re.Pattern[str]:
    """Return a pattern that matches the whole path of each file that `path` names."""
    glob = path.rstrip("/")
    below = "" if not strict and _GLOB.search(glob) else "/"
    return re.compile(f"{_pattern(glob, '[^/]' if strict else '.')}(?:{below}.*)?")


def root(path: str) -> str:
    """Return the folder that must be listed: everything before the first glob.

    Source: Databricks, "Using glob patterns for directory filtering impacting Auto Loader performance": a
    glob filters what was listed below the root; it does not make the listing shorter.
    """
    found = _GLOB.search(path)
    return path.rstrip("/") if found is None else path[: found.start()].rpartition("/")[0]


def _pattern(glob: str, letter: str) -> str:
    pattern, depth, place = "", 0, 0
    while place < len(glob):
        char = glob[place]
        if char == "[":
            end = glob.index("]", place + 1)
            pattern += glob[place : end + 1]
            place = end
        elif char == "{":
            depth += 1
            pattern += "(?:"
        elif char == "}" and depth:
            depth -= 1
            pattern += ")"
        elif char == "," and depth:
            pattern += "|"
        else:
            pattern += {"*": f"{letter}*", "?": letter}.get(char) or re.escape(char)
        place += 1
    return pattern
