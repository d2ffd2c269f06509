"""The clients that wait: the project's and its peers."""

from __future__ import annotations

import json
import threading
from http.client import HTTPConnection
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import httpx
import model
import requests
import wire
from sentryagent_idp import Agent, AgentIdPClient, PaginatedAgents


class Project:
    """The SDK; all threads share one client."""

    name = f"sentryagent_idp {version('sentryagent_idp')}"

    def __init__(self, base_url: str) -> None:
        self._client = AgentIdPClient(
            base_url=base_url, client_id="bench", client_secret="sk_live_bench"
        )

    def get(self, agent_id: str) -> Agent:
        return self._client.agents.get_agent(agent_id)

    def list(self) -> PaginatedAgents:
        return self._client.agents.list_agents(limit=100)


class HttpClient:
    """The standard library, with one connection for each thread."""

    name = "http.client"

    def __init__(self, base_url: str) -> None:
        self._address = urlsplit(base_url).netloc
        self._headers = wire.headers(base_url)
        self._local = threading.local()

    def get(self, agent_id: str) -> model.Agent:
        return model.agent(self._json(f"{wire.AGENTS}/{agent_id}"))

    def list(self) -> model.Page:
        return model.page(self._json(wire.PAGE))

    def _json(self, path: str) -> dict[str, Any]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = HTTPConnection(self._address)
        connection.request("GET", path, headers=self._headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(answer.status)
        wire_value: dict[str, Any] = json.loads(body)
        return wire_value


class Httpx:
    """httpx; all threads share one client, as its documentation says."""

    name = f"httpx {httpx.__version__}"

    def __init__(self, base_url: str) -> None:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._client = httpx.Client(
            base_url=base_url, headers=wire.headers(base_url), limits=limits
        )

    def get(self, agent_id: str) -> model.Agent:
        answer = self._client.get(f"{wire.AGENTS}/{agent_id}")
        return model.agent(json.loads(answer.raise_for_status().content))

    def list(self) -> model.Page:
        answer = self._client.get(wire.PAGE)
        return model.page(json.loads(answer.raise_for_status().content))


class Requests:
    """requests, with one session for each thread."""

    name = f"requests {requests.__version__}"

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._headers = wire.headers(base_url)
        self._local = threading.local()

    def get(self, agent_id: str) -> model.Agent:
        return model.agent(self._json(f"{wire.AGENTS}/{agent_id}"))

    def list(self) -> model.Page:
        return model.page(self._json(wire.PAGE))

    def _json(self, path: str) -> dict[str, Any]:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers.update(self._headers)
        answer = session.get(self._base_url + path)
        answer.raise_for_status()
        wire_value: dict[str, Any] = json.loads(answer.content)
        return wire_value


ALL = {
    "project-sync": Project,
    "http.client": HttpClient,
    "httpx": Httpx,
    "requests": Requests,
}
