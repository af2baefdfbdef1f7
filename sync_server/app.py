"""The web application: routes of the protocol and the console around one `Centre`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from sync_server.auditing import AuditKeeper
from sync_server.centre import Centre
from sync_server.console import (
    accounts,
    agencies,
    agency_limits,
    attendance,
    blocking,
    cases,
    catalogue_upload,
    event_forms,
    event_new,
    event_page,
    event_places,
    event_prices,
    lending,
    lent,
    live,
    my_account,
    nodes,
    pages,
    people,
    performance_cancel,
    performance_copy,
    performance_move,
    performances,
    plans,
    refunds,
    reports,
    seats,
    sign_in,
    sign_in_elsewhere,
)
from sync_server.console.figures import set_up_figures
from sync_server.console.live import BULLETIN, set_up_bulletin
from sync_server.console.oidc_provider import set_up_provider
from sync_server.console.plans import set_up_plans
from sync_server.console.rendering import set_up_templates
from sync_server.forgetting import Forgetter
from sync_server.handlers import (
    about_api,
    auth,
    buyers_api,
    chips_api,
    feed_api,
    hub_api,
    node_api,
    openapi,
    orders_api,
    recovery_api,
    stock_api,
)
from sync_server.handlers.middlewares import attend, secure_response
from sync_server.handlers.proxy import set_up_messenger
from sync_server.handlers.pulls import set_up_answers
from sync_server.handlers.routes import Handler, Route, routes_of
from sync_server.handlers.state import (
    AUDIT,
    CENTRE,
    CHECKS,
    HUB_ID,
    LIMITS,
    ROUTES,
    SETTINGS,
    TOKENS,
    Limits,
    PasswordChecks,
)
from sync_server.report_keeping import REPORTS, set_up_reports
from sync_server.services.tokens import Tokens
from sync_server.settings import Settings


@dataclass(frozen=True, slots=True)
class AsHub:
    """What is different at a hub: who it is, what it answers, and what comes before any answer."""

    node_id: str
    routes: Sequence[Route]
    middleware: Middleware


def make_app(centre: Centre, settings: Settings, hub: AsHub | None = None) -> web.Application:
    """The application; it opens the centre when it starts and closes it when it stops."""
    routes = all_routes() if hub is None else hub.routes
    app = web.Application(
        # `attend` comes last: it knows a route by its handler.
        middlewares=[attend] if hub is None else [hub.middleware, attend],
        client_max_size=max(route.body_bytes_max for route in routes),
    )
    app[CENTRE] = centre
    app[AUDIT] = AuditKeeper(centre)
    app[SETTINGS] = settings
    app[TOKENS] = Tokens(centre.keys.token, centre.issuer)
    app[HUB_ID] = "" if hub is None else hub.node_id
    app[LIMITS] = Limits()
    app[CHECKS] = PasswordChecks()
    app[ROUTES] = _by_handler(routes)
    feed_api.set_up_desk(app)
    set_up_answers(app)
    set_up_messenger(app)
    for route in routes:
        app.router.add_route(route.method, route.path, route.handler)
    set_up_templates(app)
    if hub is None:
        set_up_provider(app, settings.oidc)
    app.cleanup_ctx.append(_run_centre)
    set_up_figures(app, centre)
    set_up_bulletin(app)
    if hub is None:
        set_up_reports(app, centre)
        app[REPORTS].tell = app[BULLETIN].tell
    set_up_plans(app)
    app.on_shutdown.append(_wake_long_polls)
    app.on_response_prepare.append(secure_response)
    return app


def all_routes() -> Sequence[Route]:
    """Every route that there is."""
    return [
        *routes_of(about_api),
        *routes_of(openapi),
        *routes_of(auth),
        *routes_of(node_api),
        *routes_of(feed_api),
        *routes_of(recovery_api),
        *routes_of(stock_api),
        *routes_of(orders_api),
        *routes_of(buyers_api),
        *routes_of(hub_api),
        *routes_of(chips_api),
        *routes_of(pages),
        *routes_of(live),
        *routes_of(accounts),
        *routes_of(cases),
        *routes_of(nodes),
        *routes_of(people),
        *routes_of(agencies),
        *routes_of(agency_limits),
        *routes_of(reports),
        *routes_of(attendance),
        *routes_of(performances),
        *routes_of(event_page),
        *routes_of(event_places),
        *routes_of(event_prices),
        *routes_of(catalogue_upload),
        *routes_of(event_new),
        *routes_of(event_forms),
        *routes_of(performance_move),
        *routes_of(plans),
        *routes_of(seats),
        *routes_of(blocking),
        *routes_of(lending),
        *routes_of(lent),
        *routes_of(performance_cancel),
        *routes_of(performance_copy),
        *routes_of(refunds),
        *routes_of(sign_in),
        *routes_of(sign_in_elsewhere),
        *routes_of(my_account),
    ]


def _by_handler(routes: Sequence[Route]) -> Mapping[Handler, Route]:
    found = {route.handler: route for route in routes}
    if len(found) != len(routes):
        raise ValueError("a handler stands behind two routes; give each its own")
    return found


async def _run_centre(app: web.Application) -> AsyncIterator[None]:
    await app[CENTRE].open()
    app[AUDIT].start()
    forgetter = None if app[HUB_ID] else Forgetter(app[CENTRE], app[SETTINGS].retention.terms)
    if forgetter is not None:
        forgetter.start()
    yield
    if forgetter is not None:
        await forgetter.stop()
    await app[AUDIT].stop()
    await app[CENTRE].close()


async def _wake_long_polls(app: web.Application) -> None:
    """Before the server waits for requests under way: those that wait for news answer now."""
    app[CENTRE].news.close()
