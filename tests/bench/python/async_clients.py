"""The clients of asyncio: the project's and its peers."""

from __future__ import annotations

import json
from importlib.metadata import version

import aiohttp
import httpx
import model
import wire
from sentryagent_idp import Agent, AsyncAgentIdPClient, PaginatedAgents


class Project:
    """The SDK."""

    name = f"sentryagent_idp {version('sentryagent_idp')}"

    def __init__(self, base_url: str) -> None:
        self._client = AsyncAgentIdPClient(
            base_url=base_url, client_id="bench", client_secret="sk_live_bench"
        )

    async def get(self, agent_id: str) -> Agent:
        return await self._client.agents.get_agent(agent_id)

    async def list(self) -> PaginatedAgents:
        return await self._client.agents.list_agents(limit=100)


class Aiohttp:
    """aiohttp with one session."""

    name = f"aiohttp {aiohttp.__version__}"

    def __init__(self, base_url: str) -> None:
        self._session = aiohttp.ClientSession(headers=wire.headers(base_url))
        self._agents, self._page = base_url + wire.AGENTS, base_url + wire.PAGE

    async def get(self, agent_id: str) -> model.Agent:
        async with self._session.get(f"{self._agents}/{agent_id}") as answer:
            answer.raise_for_status()
            return model.agent(json.loads(await answer.read()))

    async def list(self) -> model.Page:
        async with self._session.get(self._page) as answer:
            answer.raise_for_status()
            return model.page(json.loads(await answer.read()))


class Httpx:
    """httpx with one client."""

    name = f"httpx {httpx.__version__} (async)"

    def __init__(self, base_url: str) -> None:
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._client = httpx.AsyncClient(
            base_url=base_url, headers=wire.headers(base_url), limits=limits
        )

    async def get(self, agent_id: str) -> model.Agent:
        answer = await self._client.get(f"{wire.AGENTS}/{agent_id}")
        return model.agent(json.loads(answer.raise_for_status().content))

    async def list(self) -> model.Page:
        answer = await self._client.get(wire.PAGE)
        return model.page(json.loads(answer.raise_for_status().content))


async def project(base_url: str) -> Project:
    """Made on the loop, as all of them."""
    return Project(base_url)


async def aiohttp_(base_url: str) -> Aiohttp:
    """aiohttp wants a running loop."""
    return Aiohttp(base_url)


async def httpx_(base_url: str) -> Httpx:
    """Made on the loop, as all of them."""
    return Httpx(base_url)


ALL = {"project-async": project, "aiohttp": aiohttp_, "httpx-async": httpx_}
