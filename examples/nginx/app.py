"""A small app behind nginx: slow answers, kept as long as the decisions say.

`python -m examples.nginx.app --port 8090 --api http://127.0.0.1:8000`
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from examples.decisions import Decisions

LOAD_S = 0.02
DEFAULT_TTL_S = 60.0


def make_server(port: int, decisions: Decisions) -> ThreadingHTTPServer:
    """The app on loopback; port 0 takes any."""

    class Handler(BaseHTTPRequestHandler):
        """Answers GET on any path; the first part of the path is the endpoint."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """One slow answer with its Cache-Control."""
            time.sleep(LOAD_S)
            body = json.dumps({"path": self.path, "at": time.time()}).encode()
            endpoint = "/" + self.path.partition("?")[0].split("/")[1]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", decisions.cache_control(endpoint, DEFAULT_TTL_S))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing: nginx keeps the log."""

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--api", default="http://127.0.0.1:8000", help="Cachescope's API")
    given = parser.parse_args()
    decisions = Decisions(given.api)

    def follow() -> None:
        while True:
            decisions.refresh()
            time.sleep(1.0)

    threading.Thread(target=follow, daemon=True).start()
    make_server(given.port, decisions).serve_forever()


if __name__ == "__main__":
    main()
