"""What a window of an agency may touch: its own agency's orders, and no others.

To it an order of the house or of another agency is one that does not exist: the same answer, and
nothing is changed. Windows of the house touch every order.
"""

from __future__ import annotations

from sync_server.heart.rows import Order
from sync_server.heart.work import Work


def own_order(work: Work, node_id: str, order_id: str) -> Order | None:
    """The order, if there is one that this node may touch."""
    order = work.orders.get(order_id)
    return None if order is not None and is_foreign(work, node_id, order.node_id) else order


def is_foreign(work: Work, node_id: str, seller: str) -> bool:
    """Whether a node is an agency's window, and the seller is none of the same agency."""
    agency = work.agency_of(node_id)
    return bool(agency) and work.agency_of(seller) != agency


def is_foreign_ticket(work: Work, node_id: str, ticket_id: str) -> bool:
    """Whether there is such a ticket and it is of an order that this node may not touch."""
    if not work.agency_of(node_id):
        return False
    ticket = work.tickets.get(ticket_id)
    return ticket is not None and own_order(work, node_id, ticket.order_id) is None
