"""Who may do what: every route names one permission, every role is a set of them.

Default deny: what a role does not list, it may not do.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from sync_server.heart.source import NodeRole as NodeRole  # noqa: PLC0414 - told on


class Permission(StrEnum):
    """One thing that a caller may do."""

    PUBLIC = "public"  # no sign-in: said explicitly, never by leaving it out
    # nodes, by their token
    NODE_HELLO = "node_hello"
    NODE_PUSH = "node_push"
    NODE_PULL = "node_pull"
    NODE_CHIPS = "node_chips"  # the keys by which chips are named
    TILL_ACQUIRE = "till_acquire"
    TILL_HOLD = "till_hold"
    TILL_DECLARE = "till_declare"  # after a lost history: what it was lent
    TILL_REVOKE = "till_revoke"
    TILL_ORDERS = "till_orders"  # look at orders of other tills, and print what they did not
    TILL_BUYERS = "till_buyers"  # the keys for what is known of buyers, and telling it
    GATE_ADMIT = "gate_admit"
    HUB_RELAY = "hub_relay"  # speak for the nodes below it
    # people, by their console session; clients of the interface, by their token
    OWN_ACCOUNT = "own_account"  # see and end one's own logins, change one's own password
    CONSOLE_VIEW = "console_view"
    BOOKS_READ = "books_read"
    BOOKS_SIGN = "books_sign"  # put one's name under a reconciliation
    CASES_SETTLE = "cases_settle"  # say what becomes of a case, and who has it
    NODES_ENROL = "nodes_enrol"
    NODES_REVOKE = "nodes_revoke"  # lost and stolen machines, the least version
    CATALOGUE_WRITE = "catalogue_write"
    PERFORMANCES_READ = "performances_read"
    PERFORMANCES_CHANGE = "performances_change"  # move, cancel and copy them
    PLANS_WRITE = "plans_write"  # upload seating plans and save them
    PEOPLE_MANAGE = "people_manage"
    CLIENTS_MANAGE = "clients_manage"  # programs of others that read by the interface
    AUDIT_READ = "audit_read"
    AGENCIES_MANAGE = "agencies_manage"  # add, rename and retire who sells for the house
    AGENCY_OWN = "agency_own"  # what one's own agency sold and still has
    STOCK_RECLAIM = "stock_reclaim"  # recall what is lent; with a second person, write it off
    STOCK_BLOCK = "stock_block"  # keep places back and release them
    STOCK_POLICY = "stock_policy"  # how much windows are lent, and for how long
    # people, by their PIN at a till
    TILL_SIGN_IN = "till_sign_in"
    # and at a gate's own pages
    GATE_SIGN_IN = "gate_sign_in"


class PersonRole(StrEnum):
    """What a person of the house does. Stored and sent, never renamed."""

    ADMIN = "admin"
    MANAGER = "manager"
    SUPERVISOR = "supervisor"  # a cashier who lets things be: discounts, house tickets
    CASHIER = "cashier"
    AGENT = "agent"
    SECURITY = "security"
    AUDITOR = "auditor"


_ANY_NODE = frozenset(
    {
        Permission.NODE_HELLO,
        Permission.NODE_PUSH,
        Permission.NODE_PULL,
        Permission.NODE_CHIPS,
    }
)
_SEES_THE_BOOKS = frozenset(
    {
        Permission.OWN_ACCOUNT,
        Permission.CONSOLE_VIEW,
        Permission.BOOKS_READ,
        Permission.AUDIT_READ,
        Permission.PERFORMANCES_READ,
    }
)
_KEEPS_THE_HOUSE = frozenset(
    {
        Permission.NODES_ENROL,
        Permission.NODES_REVOKE,
        Permission.CATALOGUE_WRITE,
        Permission.PERFORMANCES_CHANGE,
        Permission.PLANS_WRITE,
        Permission.PEOPLE_MANAGE,
        Permission.CLIENTS_MANAGE,
        Permission.AGENCIES_MANAGE,
    }
)

NODE_PERMISSIONS: Mapping[NodeRole, frozenset[Permission]] = MappingProxyType(
    {
        NodeRole.TILL: _ANY_NODE
        | {Permission.TILL_ACQUIRE, Permission.TILL_HOLD, Permission.TILL_REVOKE}
        | {Permission.TILL_ORDERS, Permission.TILL_BUYERS, Permission.TILL_DECLARE},
        NodeRole.GATE: _ANY_NODE | {Permission.GATE_ADMIT},
        NodeRole.HUB: frozenset(
            {Permission.NODE_HELLO, Permission.NODE_PULL, Permission.HUB_RELAY}
            | {Permission.TILL_ACQUIRE, Permission.TILL_DECLARE}
        ),
    }
)

PERSON_PERMISSIONS: Mapping[PersonRole, frozenset[Permission]] = MappingProxyType(
    {
        # An administrator keeps machines and people, and touches neither places nor money.
        PersonRole.ADMIN: _SEES_THE_BOOKS | _KEEPS_THE_HOUSE,
        PersonRole.MANAGER: _SEES_THE_BOOKS
        | _KEEPS_THE_HOUSE
        | {
            Permission.BOOKS_SIGN,
            Permission.CASES_SETTLE,
            Permission.STOCK_RECLAIM,
            Permission.STOCK_BLOCK,
            Permission.STOCK_POLICY,
            Permission.TILL_SIGN_IN,
            Permission.GATE_SIGN_IN,
        },
        PersonRole.SUPERVISOR: frozenset({Permission.TILL_SIGN_IN, Permission.GATE_SIGN_IN}),
        PersonRole.CASHIER: frozenset({Permission.TILL_SIGN_IN}),
        # An agent sells at windows of the own agency, from what these were lent.
        PersonRole.AGENT: frozenset(
            {Permission.OWN_ACCOUNT, Permission.AGENCY_OWN, Permission.TILL_SIGN_IN}
        ),
        PersonRole.SECURITY: frozenset({Permission.GATE_SIGN_IN}),
        PersonRole.AUDITOR: _SEES_THE_BOOKS,
    }
)

FOR_NODES = frozenset().union(*NODE_PERMISSIONS.values())
"""Permissions that a bearer token can give; all others but PUBLIC need a person."""


def node_may(role: NodeRole, permission: Permission) -> bool:
    """Whether the role lists the permission."""
    return permission in NODE_PERMISSIONS[role]


def person_may(role: PersonRole, permission: Permission) -> bool:
    """Whether the role lists the permission."""
    return permission in PERSON_PERMISSIONS[role]
