"""The wiki as a WSGI application."""

import mimetypes
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs

from .markup import render
from .store import MAX_PAGE_BYTES, BadName, Store, TooLong

TEMPLATES = Path(__file__).resolve().parent / "templates"
# A form's encoding writes a byte as up to three.
MAX_FORM_BYTES = 3 * MAX_PAGE_BYTES + 1024

Response = tuple[str, list[tuple[str, str]], bytes]


class Wiki:
    def __init__(self, store: Store, static: Path) -> None:
        self.store = store
        self.static = static

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        try:
            status, headers, body = self._answer(environ)
        except BadName as error:
            status, headers, body = page("404 Not Found", "No such page", f"<p>{escape(str(error))}</p>")
        except TooLong as error:
            status, headers, body = page("413 Content Too Large", "Too long", f"<p>{escape(str(error))}</p>")
        start_response(status, [*headers, ("Content-Length", str(len(body))), ("X-Content-Type-Options", "nosniff")])
        return [body]

    def _answer(self, environ: dict) -> Response:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        query = parse_qs(environ.get("QUERY_STRING", ""))
        match path.strip("/").split("/"):
            case [""]:
                return redirect("/home")
            case ["static", name]:
                return self._file(name)
            case ["search"]:
                return self._search(query.get("q", [""])[0])
            case [name] if method == "GET":
                return self._view(name)
            case [name, "edit"] if method == "GET":
                return self._edit(name)
            case [name, "edit"] if method == "POST":
                return self._save(name, read_form(environ))
        return page("404 Not Found", "No such page", '<p>Go to <a href="/home">the first page</a>.</p>')

    def _view(self, name: str) -> Response:
        text = self.store.read(name)
        if text is None:
            return page("404 Not Found", name, f'<p>Nobody has written this page. <a href="/{name}/edit">Write it</a>.</p>')
        names = set(self.store.names())
        body = f'{render(text, names.__contains__)}<p class="tools"><a href="/{name}/edit">Edit</a></p>'
        return page("200 OK", name, body)

    def _edit(self, name: str) -> Response:
        text = self.store.read(name) or ""
        form = fill("edit.html", name=escape(name), text=escape(text))
        return page("200 OK", f"Edit {name}", form)

    def _save(self, name: str, form: dict[str, list[str]]) -> Response:
        self.store.write(name, form.get("text", [""])[0])
        return redirect(f"/{name}")

    def _search(self, words: str) -> Response:
        found = self.store.search(words) if words.strip() else self.store.names()
        items = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in found)
        return page("200 OK", "Pages", f"<ul>{items}</ul>" if items else "<p>No page has all these words.</p>", words)

    def _file(self, name: str) -> Response:
        path = self.static / name
        if name.startswith(".") or path.parent != self.static or not path.is_file():
            return page("404 Not Found", "No such file", "<p>It may have been renamed.</p>")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return "200 OK", [("Content-Type", kind)], path.read_bytes()


def read_form(environ: dict) -> dict[str, list[str]]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > MAX_FORM_BYTES:
        raise TooLong(f"a page has at most {MAX_PAGE_BYTES // 1024} KiB")
    return parse_qs(environ["wsgi.input"].read(length).decode(), keep_blank_values=True)


def page(status: str, title: str, body: str, words: str = "") -> Response:
    html = fill("page.html", title=escape(title), body=body, words=escape(words))
    return status, [("Content-Type", "text/html; charset=utf-8")], html.encode()


def redirect(path: str) -> Response:
    return "303 See Other", [("Location", path)], b""


def fill(template: str, **values: str) -> str:
    """Templates are read each time, so that an edit shows on reload."""
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)
