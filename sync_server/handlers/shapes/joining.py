"""Becoming a node, and signing in."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from sync_server.handlers.shapes.terms import (
    Generation,
    Hex,
    Key,
    Ms,
    Name,
    NodeId,
    Proto,
    Seq,
    StreamId,
    That,
)
from sync_server.services.permissions import NodeRole


class HouseNames(TypedDict):
    """The house's name in the console's languages."""

    en: str
    zh: str


class About(TypedDict):
    """Whose server this is."""

    program: Literal["boxgate"]
    proto: int
    venue: StreamId
    names: HouseNames


class Enrolment(TypedDict):
    """A machine that has a one-time code."""

    code_secret: Annotated[str, That(pattern="^[A-Z2-7]{16}$")]
    public_key: Key
    machine_id: Annotated[str, That(maxLength=128)]
    program_version: Annotated[str, That(maxLength=40)]
    proto: Proto
    role: NotRequired[Annotated[str, That(maxLength=16)]]
    node_id: NotRequired[Annotated[str, That(maxLength=16)]]


class Enrolled(TypedDict):
    """What the machine is from now on."""

    node_id: NodeId
    role: NodeRole
    name: Name
    venue_id: StreamId
    issuer: str
    server_key: Key
    key_signature: Hex
    generation: Generation
    proto: int
    inc: Seq


class NodeAsksToken(TypedDict):
    """RFC 7523: an assertion signed by the node's key."""

    grant_type: Literal["client_credentials"]
    client_assertion_type: Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    client_assertion: Annotated[str, That(minLength=1)]


class ClientAsksToken(TypedDict):
    """RFC 6749, 6: the refresh token, which ends with this call."""

    grant_type: Literal["refresh_token"]
    client_id: Annotated[str, That(maxLength=16)]
    refresh_token: Annotated[str, That(minLength=1)]


class Token(TypedDict):
    """For a node with the server's clock, for a client with its next refresh token."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    now_ms: NotRequired[Ms]
    refresh_token: NotRequired[str]
