"""Run a web server on 127.0.0.1 for tests of downloads, with the faults of real ones."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer(ThreadingHTTPServer):
    """A server of `files` (path to bytes) that notes the Range header of each request."""

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.requested = []  # (path, Range header or None)
        self.knows_ranges = True
        self.break_after = None  # bytes of a body, then the connection closes
        self.headers = {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requested.append((self.path, self.headers["Range"]))
        content = self.server.files.get(self.path.lstrip("/"))
        if content is None:
            self.send_error(404)
            return
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self._ranged() else 0
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        stop = len(content) if self.server.break_after is None else start + self.server.break_after
        with contextlib.suppress(ConnectionError):  # the client may have gone
            self.wfile.write(content[start:stop])

    def _ranged(self):
        return self.server.knows_ranges and "Range" in self.headers

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving(files):
    """Run a server of the files, and end it."""
    with FileServer(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
