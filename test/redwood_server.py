"""An HTTP server on the loopback that serves files, and misbehaves as it is told to, request by request."""

import contextlib
import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SLOW_PIECES, SLOW_S = 6, 0.1  # how a file comes with the fault "slow", and the pause before each piece


@dataclass
class Site:
    """Files by path, faults by path (used up one a GET, the last one stays if it is in `always`), requests seen."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)
    always: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    head: bool = True
    ranges: bool = True
    etags: bool = True
    stop: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def fault(self, path: str) -> str:
        waiting = self.faults.get(path)
        return waiting.pop(0) if waiting else self.always.get(path, "")

    def gets(self, path: str) -> list[str | None]:
        """The Range headers of the GET requests for a path."""
        return [asked for method, place, asked in self.requests if method == "GET" and place == path]


@contextlib.contextmanager
def serve(site: Site) -> Iterator[Site]:
    class Handler(_Handler):
        server_site = site

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # clients that go away are what this is about
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        site = self.server_site
        site.requests.append(("HEAD", self.path, None))
        if not site.head or self.path not in site.files:
            self._answer(405 if not site.head else 404, b"")
            return
        self._answer(200, b"", {"Content-Length": str(len(site.files[self.path]))})

    def do_GET(self) -> None:
        site = self.server_site
        asked = self.headers.get("Range")
        site.requests.append(("GET", self.path, asked))
        fault = site.fault(self.path)
        if self.path not in site.files:
            self._answer(404, b"")
        elif fault.isdecimal():
            self._answer(int(fault), b"later", {"Retry-After": "0"})
        else:
            self._send_file(site.files[self.path], asked, fault)

    def _send_file(self, data: bytes, asked: str | None, fault: str) -> None:
        site, headers = self.server_site, {}
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        if site.etags:
            headers["ETag"] = etag
        start, status = 0, 200
        fresh = self.headers.get("If-Range", etag) == etag
        if asked and site.ranges and fresh:
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1])
            if start >= len(data):
                self._answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
                return
            status = 206
            start += 7 if fault == "wrong range" else 0
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self._send_body(status, data[start:], headers, fault)

    def _send_body(self, status: int, body: bytes, headers: dict[str, str], fault: str) -> None:
        length, sent = len(body), body
        if fault == "truncate":
            sent = body[: len(body) // 2]
        elif fault == "claims more":
            length += 1000
        elif fault == "claims less":
            length //= 2
            sent = body[:length]
        elif fault == "stall":
            sent = body[: len(body) // 2]
        elif fault == "silence":
            sent = b""
        self._answer(status, sent, headers | {"Content-Length": str(length)}, SLOW_PIECES if fault == "slow" else 1)
        if fault in ("stall", "silence"):
            self.wfile.flush()
            self.server_site.stop.wait()
        if fault not in ("", "slow"):  # a whole answer keeps the connection: the client would use it again
            self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, pieces: int = 1) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for start in range(0, len(body), step := -(-len(body) // pieces) or 1):
                self.server_site.stop.wait(SLOW_S if pieces > 1 else 0)
                self.wfile.write(body[start : start + step])
