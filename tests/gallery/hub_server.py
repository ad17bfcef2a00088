"""A hub on this machine: the part of the Hugging Face hub's protocol that finding and downloading a model needs.

In: repositories as dictionaries of bytes. Out: an address for ``HF_ENDPOINT``. Files of a kilobyte and more are kept as the hub keeps large
files, with a checksum. A file named in ``breaks`` loses its connection in the middle, once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE_BYTES = 1000
REPOSITORY = r"[\w.-]+/[\w.-]+"


@dataclass
class Hub:
    """What the server holds and what it was asked for."""

    repositories: dict[str, dict[str, bytes]]
    licences: dict[str, str] = field(default_factory=dict)
    breaks: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def revision(self, name: str) -> str:
        files = self.repositories[name]
        return hashlib.sha1(b"".join(key.encode() + files[key] for key in sorted(files))).hexdigest()

    def describe(self, name: str) -> dict[str, Any]:
        return {
            "_id": "0" * 24, "id": name, "modelId": name, "sha": self.revision(name), "private": False, "tags": [], "downloads": 0, "likes": 0,
            "cardData": {"license": self.licences[name]} if name in self.licences else {},
            "siblings": [self._sibling(file, content) for file, content in self.repositories[name].items()],
        }  # fmt: skip

    @staticmethod
    def _sibling(file: str, content: bytes) -> dict[str, Any]:
        sha256 = hashlib.sha256(content).hexdigest()
        large = {"lfs": {"sha256": sha256, "size": len(content), "pointerSize": 130}} if len(content) >= LARGE_BYTES else {}
        return {"rfilename": file, "size": len(content), "blobId": hashlib.sha1(content).hexdigest(), **large}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        self.hub.asked.append(f"{self.command} {path} {self.headers.get('Range') or ''}".strip())
        if path == "/api/models":
            self._list(parse_qs(parts.query))
        elif match := re.fullmatch(rf"/api/models/({REPOSITORY})(?:/revision/([\w.-]+))?", path):
            self._describe(*match.groups())
        elif match := re.fullmatch(rf"/({REPOSITORY})/resolve/([\w.-]+)/(.+)", path):
            self._file(*match.groups())
        else:
            self._send(404, b"")

    def _list(self, query: dict[str, list[str]]) -> None:
        author, word = query.get("author", [""])[0], query.get("search", [""])[0]
        found = [self.hub.describe(name) for name in self.hub.repositories if name.startswith(f"{author}/") and word in name]
        self._send(200, json.dumps(found).encode())

    def _describe(self, name: str, revision: str | None) -> None:
        if name not in self.hub.repositories:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif revision not in (None, "main", self.hub.revision(name)):
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        else:
            self._send(200, json.dumps(self.hub.describe(name)).encode())

    def _file(self, name: str, revision: str, file: str) -> None:
        content = self.hub.repositories.get(name, {}).get(file)
        if content is None:
            return self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
        facts = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"', "X-Repo-Commit": self.hub.revision(name), "Accept-Ranges": "bytes"}
        if not (match := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")):
            return self._send(200, content, facts, breaks=file in self.hub.breaks)
        first, last = int(match[1]), min(int(match[2] or len(content)), len(content) - 1)
        return self._send(206, content[first : last + 1], facts | {"Content-Range": f"bytes {first}-{last}/{len(content)}"})

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None, *, breaks: bool = False) -> None:
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if breaks:
            self.hub.breaks.clear()
            self.wfile.write(content[: len(content) // 2])
            self.close_connection = True
        else:
            self.wfile.write(content)


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
