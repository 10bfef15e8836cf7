"""Plain text for services that read every text as Markdown.

Apprise converts plain text to the format that a service declares: HTML, Markdown, Slack's entities. Some
services declare plain text but still read Markdown. For them this module escapes the text, so that a field of
a log file shows as it is, creates no link and mentions nobody.
"""

import re

# By Apprise's service names. Each service reads Markdown in messages that Apprise sends as plain text.
# Sources: Discord, Guilded, Mattermost and Zulip, help pages "Markdown" / "Message formatting".
READ_MARKDOWN = frozenset({"Discord", "Guilded", "Mattermost", "Zulip"})

# A URL stays as it is: it is already a link, and a backslash would change its target.
_ADDRESS = r"https?://[^\s<>()\[\]*`|@\\]+"
_MARKUP = re.compile(rf"(?P<address>{_ADDRESS})|(?P<mark>[\\*_~`|>#\[\]()<!])|@(?=\w)|:(?=[\w+-]+:)")


def as_markdown(text: str) -> str:
    """Return Markdown that shows this text character for character. An `@name` in it mentions nobody."""
    return _MARKUP.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    if found["address"]:
        return found["address"]
    # A backslash does not stop Discord from mentioning everyone. A zero-width space does.
    return f"\\{found['mark']}" if found["mark"] else f"{found[0]}\u200b"
