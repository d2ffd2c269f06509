"""A small HTTP server on loopback that answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

AGENT: dict[str, Any] = {
    "agentId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a11",
    "organizationId": "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8a00",
    "role": "member",
    "email": "screener-001@sentryagent.ai",
    "agentType": "screener",
    "version": "1.4.0",
    "capabilities": ["resume:read", "email:send"],
    "owner": "talent-acquisition",
    "deploymentEnv": "production",
    "status": "active",
    "isPublic": False,
    "did": None,
    "didCreatedAt": None,
    "createdAt": "2026-03-28T09:00:00.000Z",
    "updatedAt": "2026-03-28T09:00:00.123Z",
}
TOKEN = {
    "access_token": "header.payload.signature",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "agents:read",
}
WAIT_SECONDS = 20.0


class Request:
    """A request as a test sees it."""

    def __init__(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        split = urlsplit(handler.path)
        self.method = handler.command
        self.path = split.path
        self.query = {name: values[0] for name, values in parse_qs(split.query).items()}
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.body = body
        self._handler = handler

    @property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def last(self) -> str:
        """The path's last segment."""
        return self.path.rsplit("/", 1)[-1]

    def wait_for_abort(self) -> bool:
        """Blocks until the client closes the connection."""
        self._handler.connection.settimeout(WAIT_SECONDS)
        try:
            return self._handler.rfile.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


Answer = tuple[int, dict[str, Any] | bytes, dict[str, str]]
Route = Callable[[Request], Answer | None]


def ok(body: dict[str, Any] | bytes, status: int = 200, **headers: str) -> Answer:
    """An answer."""
    return status, body, {name.replace("_", "-"): value for name, value in headers.items()}


class FakeIdp:
    """The server. `agent` answers what is asked of an agent, `token` what is asked for a token."""

    def __init__(self) -> None:
        self.agent: Route = lambda request: ok({**AGENT, "agentId": request.last})
        self.token: Route = lambda _: ok(TOKEN)
        self.counts: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.arrived = threading.Event()
        self.aborted = threading.Event()
        self.release = threading.Event()
        idp = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                length = int(self.headers.get("content-length", "0"))
                request = Request(self, self.rfile.read(length))
                answer = idp.answer(request)
                if answer is None:
                    self.close_connection = True
                    return
                status, body, headers = answer
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            # What http.server looks for.
            do_GET = do_POST = do_PATCH = do_DELETE = handle_one

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that goes away is what some tests are about

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: Request) -> Answer | None:
        """Finds the route; None closes the connection."""
        kind = "token" if "/token" in request.path else "agent"
        self.counts[kind] += 1
        self.requests.append(request)
        return (self.token if kind == "token" else self.agent)(request)

    def hang(self, request: Request) -> None:
        """A route that never answers and notes when the client goes away."""
        self.arrived.set()
        if request.wait_for_abort():
            self.aborted.set()

    def hold(self, request: Request) -> Answer:
        """A route that answers after `release`."""
        self.arrived.set()
        self.release.wait(WAIT_SECONDS)
        return ok({**AGENT, "agentId": request.last})

    def close(self) -> None:
        """Stops it."""
        self.release.set()
        self._server.shutdown()
        self._server.server_close()
