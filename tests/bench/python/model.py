"""What the peers decode into: a dataclass for each model, made from parsed JSON."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any


class Role(str, Enum):
    """What an agent may do in its organization."""

    MEMBER = "member"
    ADMIN = "admin"


class Kind(str, Enum):
    """What an agent does."""

    SCREENER = "screener"
    CUSTOM = "custom"


class Env(str, Enum):
    """Where an agent runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Status(str, Enum):
    """Whether an agent may act."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(slots=True)
class Agent:
    """An agent."""

    agent_id: str
    organization_id: str
    role: Role
    email: str
    agent_type: Kind
    version: str
    capabilities: list[str]
    owner: str
    deployment_env: Env
    status: Status
    is_public: bool
    did: str | None
    did_created_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Page:
    """A page of agents."""

    data: list[Agent]
    total: int
    page: int
    limit: int


def time_of(text: str) -> datetime:
    """A time of the wire."""
    return datetime.fromisoformat(text)


def agent(wire: dict[str, Any]) -> Agent:
    """An agent of the wire."""
    made = wire["didCreatedAt"]
    return Agent(
        wire["agentId"],
        wire["organizationId"],
        Role(wire["role"]),
        wire["email"],
        Kind(wire["agentType"]),
        wire["version"],
        wire["capabilities"],
        wire["owner"],
        Env(wire["deploymentEnv"]),
        Status(wire["status"]),
        wire["isPublic"],
        wire["did"],
        None if made is None else time_of(made),
        time_of(wire["createdAt"]),
        time_of(wire["updatedAt"]),
    )


def page(wire: dict[str, Any]) -> Page:
    """A page of the wire."""
    return Page(
        [agent(one) for one in wire["data"]],
        wire["total"],
        wire["page"],
        wire["limit"],
    )
