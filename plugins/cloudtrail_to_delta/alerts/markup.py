"""Plain text for services that read every text as Markdown.

Apprise makes of plain text what a service declares to want: HTML, Markdown, Slack's entities. Some services
declare plain text and read Markdown all the same. For them the text is made Markdown here, so that a field of
a log file shows as it is, links nowhere and calls nobody.
"""

import re

# By Apprise's names of its services; each reads Markdown in messages that Apprise sends it as plain text.
# Sources: Discord, Guilded, Mattermost and Zulip, help pages "Markdown" / "Message formatting".
READ_MARKDOWN = frozenset({"Discord", "Guilded", "Mattermost", "Zulip"})

# An address stays as it is: it is a link by itself, and a backslash in it would lead elsewhere.
_ADDRESS = r"https?://[^\s<>()\[\]*`|@\\]+"
_MARKUP = re.compile(rf"(?P<address>{_ADDRESS})|(?P<mark>[\\*_~`|>#\[\]()<!])|@(?=\w)|:(?=[\w+-]+:)")


def as_markdown(text: str) -> str:
    """Markdown that shows this text, character for character; an `@name` in it is no mention."""
    return _MARKUP.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    if found["address"]:
        return found["address"]
    # A backslash does not keep Discord from mentioning everyone; a space without width does.
    return f"\\{found['mark']}" if found["mark"] else f"{found[0]}\u200b"
