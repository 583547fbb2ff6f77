"""Serves the wiki on the loopback address."""

import argparse
from pathlib import Path
from wsgiref.simple_server import make_server

from .app import Wiki
from .store import Store

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="wiki", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--pages", type=Path, default=ROOT / "pages", help="folder of the pages")
    options = parser.parse_args()

    with make_server("127.0.0.1", options.port, Wiki(Store(options.pages), ROOT / "static")) as server:
        print(f"wiki: http://127.0.0.1:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
