"""Turns a page's text into HTML.

A line that begins with `= ` is a heading, lines with `- ` are a list, `*word*` is strong, `[[page]]` or
`[[page|words]]` is a link, `{{picture.svg|what it shows}}` is a picture from static/. A blank line ends a paragraph.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from itertools import groupby

LINK = re.compile(r"\[\[([a-z0-9-]+)(?:\|([^\]]+))?\]\]")
PICTURE = re.compile(r"\{\{([A-Za-z0-9._-]+)(?:\|([^}]*))?\}\}")
STRONG = re.compile(r"\*([^*\s](?:[^*]*[^*\s])?)\*")


def render(text: str, exists: Callable[[str], bool]) -> str:
    """HTML of a page; links to pages that do not exist are marked."""
    return "\n".join(_blocks(text, exists))


def _blocks(text: str, exists: Callable[[str], bool]) -> Iterator[str]:
    for kind, group in groupby(text.splitlines(), _kind):
        lines = list(group)
        if kind == "heading":
            for line in lines:
                yield f"<h2>{_inline(line[2:], exists)}</h2>"
        elif kind == "item":
            items = "".join(f"<li>{_inline(line[2:], exists)}</li>" for line in lines)
            yield f"<ul>{items}</ul>"
        elif kind == "words":
            yield f"<p>{_inline(' '.join(lines), exists)}</p>"


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    return {"= ": "heading", "- ": "item"}.get(line[:2], "words")


def _inline(text: str, exists: Callable[[str], bool]) -> str:
    def link(match: re.Match[str]) -> str:
        page, words = match[1], match[2] or match[1]
        missing = "" if exists(page) else ' class="missing"'
        return f'<a href="/{page}"{missing}>{words}</a>'

    def picture(match: re.Match[str]) -> str:
        return f'<img src="/static/{match[1]}" alt="{match[2] or ""}">'

    # Everything is escaped before the first tag is made, so that a page can not bring tags of its own.
    text = escape(text)
    text = LINK.sub(link, text)
    text = PICTURE.sub(picture, text)
    return STRONG.sub(r"<strong>\1</strong>", text)
