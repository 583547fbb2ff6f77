"""The wiki from the outside: requests in, responses out, files on disk."""

import io
import tempfile
import unittest
from pathlib import Path
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

from wiki.app import MAX_FORM_BYTES, Wiki
from wiki.markup import render
from wiki.store import BadName, Store

STATIC = Path(__file__).resolve().parent.parent / "static"


class WikiTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.store = Store(Path(folder.name))
        self.store.write("home", "= Hello\nSee [[other]].")
        self.wiki = Wiki(self.store, STATIC)

    def request(self, path: str, method: str = "GET", query: str = "", form: dict[str, str] | None = None):
        body = urlencode(form or {}).encode()
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        setup_testing_defaults(environ)
        answer = {}

        def start_response(status, headers):
            answer.update(status=int(status[:3]), headers=dict(headers))

        answer["body"] = b"".join(self.wiki(environ, start_response)).decode(errors="replace")
        return answer

    def test_the_root_leads_to_the_first_page(self):
        answer = self.request("/")
        self.assertEqual((answer["status"], answer["headers"]["Location"]), (303, "/home"))

    def test_a_page_is_shown_and_marks_missing_links(self):
        body = self.request("/home")["body"]
        self.assertIn("<h2>Hello</h2>", body)
        self.assertIn('<a href="/other" class="missing">other</a>', body)

    def test_a_saved_page_is_on_disk_and_on_screen(self):
        answer = self.request("/other/edit", "POST", form={"text": "Grün 🌱\r\nzwei"})
        self.assertEqual(answer["status"], 303)
        self.assertEqual((self.store.folder / "other.txt").read_bytes(), "Grün 🌱\nzwei".encode())
        self.assertIn("Grün 🌱 zwei", self.request("/other")["body"])
        self.assertNotIn("missing", self.request("/home")["body"])

    def test_editing_keeps_what_looks_like_html(self):
        self.store.write("home", "</textarea><b>")
        self.assertIn("&lt;/textarea&gt;&lt;b&gt;", self.request("/home/edit")["body"])

    def test_search_finds_pages_with_every_word(self):
        self.store.write("garden", "Beans and tomatoes")
        self.assertIn('href="/garden"', self.request("/search", query="q=TOMATOES+beans")["body"])
        self.assertNotIn('href="/garden"', self.request("/search", query="q=beans+snow")["body"])

    def test_static_files_have_their_type_and_others_are_refused(self):
        self.assertEqual(self.request("/static/leaf.svg")["headers"]["Content-Type"], "image/svg+xml")
        self.assertEqual(self.request("/static/..")["status"], 404)
        self.assertEqual(self.request("/static/missing.css")["status"], 404)

    def test_bad_requests_are_answered(self):
        self.assertEqual(self.request("/no such page")["status"], 404)
        self.assertEqual(self.request("/a/b/c")["status"], 404)
        self.assertEqual(self.request("/home/edit", "POST", form={"text": "x" * MAX_FORM_BYTES})["status"], 413)
        self.assertEqual(self.store.read("home"), "= Hello\nSee [[other]].")


class StoreTest(unittest.TestCase):
    def test_names_can_not_leave_the_folder(self):
        store = Store(Path(tempfile.gettempdir()))
        for name in ["..", "../etc", "a/b", "", ".hidden", "Ä", "a" * 65]:
            with self.assertRaises(BadName):
                store.read(name)


class MarkupTest(unittest.TestCase):
    def render(self, text: str) -> str:
        return render(text, lambda name: True)

    def test_blocks(self):
        self.assertEqual(self.render("one\ntwo\n\nthree"), "<p>one two</p>\n<p>three</p>")
        self.assertEqual(self.render("- a\n- b"), "<ul><li>a</li><li>b</li></ul>")

    def test_inline(self):
        self.assertEqual(self.render("*so* 2 * 3 * 4"), "<p><strong>so</strong> 2 * 3 * 4</p>")
        self.assertEqual(self.render("[[a|b]]"), '<p><a href="/a">b</a></p>')
        self.assertEqual(self.render("{{x.png|y}}"), '<p><img src="/static/x.png" alt="y"></p>')

    def test_tags_of_a_page_are_text(self):
        self.assertEqual(self.render('<script>"&'), "<p>&lt;script&gt;&quot;&amp;</p>")


if __name__ == "__main__":
    unittest.main()
