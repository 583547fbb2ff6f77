"""Pages as text files in one folder."""

import os
import re
import tempfile
from pathlib import Path

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MAX_PAGE_BYTES = 256 * 1024


class BadName(ValueError):
    """A name that can not be a page: it could leave the folder or surprise a file system."""


class TooLong(ValueError):
    """A page of more than MAX_PAGE_BYTES."""


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """All pages in alphabetical order."""
        return sorted(path.stem for path in self.folder.glob("*.txt") if NAME.fullmatch(path.stem))

    def read(self, name: str) -> str | None:
        """A page's text, or None when nobody has written it yet."""
        try:
            return self._path(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        """Replaces a page whole: a reader sees the old text or the new one."""
        path = self._path(name)
        content = text.replace("\r\n", "\n").encode()
        if len(content) > MAX_PAGE_BYTES:
            raise TooLong(f"a page has at most {MAX_PAGE_BYTES // 1024} KiB")
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def search(self, words: str) -> list[str]:
        """The pages that contain every word, in their name or their text."""
        wanted = words.lower().split()
        found = []
        for name in self.names():
            text = f"{name}\n{self.read(name) or ''}".lower()
            if all(word in text for word in wanted):
                found.append(name)
        return found

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise BadName(f"“{name}” is no page name: use a-z, 0-9 and -")
        return self.folder / f"{name}.txt"
