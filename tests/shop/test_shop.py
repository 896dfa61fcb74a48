"""An order on its way through the mesh, a save, an accident, a key in the panel."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx

from devbox.control.stream import StreamingControl
from devbox.domain.places import Places
from devbox.views.tui.app import DevboxApp
from tests.docker.conftest import docker
from tests.engine.mesh import Mesh, until

PROJECT = "test-shop"


def url_of(shop: Mesh, service: str) -> str:
    return str(shop.rows()[service]["Url"]).rstrip("/")


def ordered(shop: Mesh, request: str) -> dict[str, Any]:
    """An order, placed through nginx."""
    reply = httpx.post(
        f"{url_of(shop, 'edge')}/orders",
        json={"item": "apple", "quantity": 2},
        headers={"X-Request-Id": request},
        timeout=10,
    )
    assert reply.status_code == 202, reply.text
    order: dict[str, Any] = reply.json()
    return order


def test_an_order_goes_through_nginx_the_queue_and_into_the_database(shop: Mesh) -> None:
    request = uuid.uuid4().hex
    order = ordered(shop, request)
    edge = url_of(shop, "edge")
    until(lambda: httpx.get(f"{edge}/orders/{order['id']}").status_code == 200, 15.0, "the order in the database")
    query = f"select item, quantity, total from orders where id = '{order['id']}'"
    assert shop.ok("exec", "-T", "db", "psql", "-XtAc", query) == f"apple|2|{order['total']}\n"
    lines = [json.loads(line) for line in shop.ok("logs", "--grep", request, "--format", "json").splitlines()]
    assert {line["service"] for line in lines} >= {"orders", "fulfil"}


def test_both_replicas_of_orders_take_their_share(shop: Mesh) -> None:
    edge = url_of(shop, "edge")
    served = {httpx.get(f"{edge}/healthz").headers["X-Served-By"] for _ in range(20)}
    assert len(served) == 2


def test_prometheus_scrapes_who_says_where_its_metrics_are(shop: Mesh) -> None:
    prometheus = url_of(shop, "metrics").removesuffix("/targets")

    def healthy() -> set[str]:
        targets = httpx.get(f"{prometheus}/api/v1/targets").json()["data"]["activeTargets"]
        return {target["scrapeUrl"].split("/")[2] for target in targets if target["health"] == "up"}

    until(lambda: {"orders-1:8000", "orders-2:8000", "pricing-1:9100"} <= healthy(), 60.0, "the targets")


def test_a_save_is_seen_and_a_broken_one_leaves_the_old_one_serving(shop: Mesh) -> None:
    page = shop.directory / "storefront" / "page.js"
    storefront, text = url_of(shop, "storefront"), page.read_text()
    page.write_text(text.replace('"The shop"', '"The new shop"'))
    until(lambda: "<title>The new shop</title>" in httpx.get(storefront).text, 10.0, "the new page")
    page.write_text("this is no JavaScript (")
    until(lambda: "the old one serves" in shop.rows()["storefront"]["Note"], 15.0, "the word about the broken save")
    assert "<title>The new shop</title>" in httpx.get(storefront).text
    assert "SyntaxError" in shop.ok("why", "storefront")
    page.write_text(text)
    until(lambda: "<title>The shop</title>" in httpx.get(storefront).text, 15.0, "the old page")


def test_a_killed_container_is_back_and_why_knows(shop: Mesh) -> None:
    name = docker("ps", "-q", "--filter", f"name={PROJECT}-pricing-1").strip()
    docker("kill", name)
    until(lambda: shop.rows()["pricing"]["Restarts"] == 1, 15.0, "the restart")
    until(lambda: shop.rows()["pricing"]["Health"] == "healthy", 30.0, "pricing")
    assert "killed by SIGKILL" in shop.ok("why", "pricing")
    ordered(shop, uuid.uuid4().hex)


async def test_r_in_the_panel_restarts_exactly_the_selected_service(shop: Mesh) -> None:
    before = {name: (row["StartedAt"], row["Pid"]) for name, row in shop.rows().items()}
    places = Places(PROJECT, shop.home / PROJECT)
    control = StreamingControl(places.socket, PROJECT)
    app = DevboxApp(control, PROJECT)
    async with app.run_test(size=(120, 40)) as pilot:
        for _ in range(200):
            if app.panel.table.selected == "fulfil":
                break
            await pilot.press("j")
            await pilot.pause(0.05)
        assert app.panel.table.selected == "fulfil"
        await pilot.press("r")
        for _ in range(200):
            row = app.mesh.row("fulfil")
            if row is not None and row.started_at not in (None, before["fulfil"][0]):
                break
            await pilot.pause(0.1)
    await control.close()
    after = {name: (row["StartedAt"], row["Pid"]) for name, row in shop.rows().items()}
    assert {name for name in before if before[name] != after[name]} == {"fulfil"}
