"""Takes orders: asks pricing what they cost, puts them into the queue, and tells what became of them."""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections import Counter
from typing import Any

import grpc
import pika
import pricing_pb2
import pricing_pb2_grpc
import redis
from backing import QUEUE, database, queue
from words import Reply, say, serve

_PRICE_KEPT = 60

counts: Counter[str] = Counter()
prices = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
pricing = pricing_pb2_grpc.PricingStub(grpc.insecure_channel(os.environ["PRICING_ADDRESS"]))
local = threading.local()


def price(item: str, quantity: int, request: str) -> int:
    """What so many of an item cost, in cents."""
    known = prices.get(key := f"price:{item}:{quantity}")
    if known is not None:
        return int(known)
    asked = pricing_pb2.QuoteRequest(item=item, quantity=quantity)
    total = pricing.Quote(asked, timeout=5, metadata=[("x-request-id", request)]).total
    prices.set(key, total, ex=_PRICE_KEPT)
    return int(total)


def take(order: dict[str, Any], request: str) -> Reply:
    item, quantity = str(order.get("item", "")), int(order.get("quantity", 1))
    if not item:
        return 400, json.dumps({"error": "an order says which item"})
    made = {"id": uuid.uuid4().hex, "item": item, "quantity": quantity, "total": price(item, quantity, request)}
    connection = queue()
    try:
        keep = pika.BasicProperties(delivery_mode=2, headers={"x-request-id": request})
        connection.channel().basic_publish("", QUEUE, json.dumps(made), keep)
    finally:
        connection.close()
    counts["taken"] += 1
    say("info", f"took an order of {quantity} {item}", request_id=request, order=made["id"])
    return 202, json.dumps(made)


def known(order: str | None) -> Reply:
    """One order that has arrived in the database, or the last ten."""
    where = "WHERE id = :id" if order else ""
    ask = f"SELECT id, item, quantity, total, made::text FROM orders {where} ORDER BY made DESC LIMIT 10"
    if not hasattr(local, "database"):
        local.database = database()
    rows = local.database.run(ask, id=order) if order else local.database.run(ask)
    found = [dict(zip(("id", "item", "quantity", "total", "made"), row, strict=True)) for row in rows]
    if order and not found:
        return 404, json.dumps({"error": f"no order {order} yet"})
    return 200, json.dumps(found[0] if order else found)


def answer(method: str, path: str, request: str, body: dict[str, Any]) -> Reply:
    match method, path.strip("/").split("/"):
        case "GET", ["healthz"]:
            prices.ping()
            return 200, json.dumps({"status": "ok"})
        case "GET", ["metrics"]:
            return 200, f"# TYPE shop_orders_taken_total counter\nshop_orders_taken_total {counts['taken']}\n"
        case "POST", ["orders"]:
            return take(body, request)
        case "GET", ["orders", *rest]:
            return known(rest[0] if rest else None)
    return 404, json.dumps({"error": f"nothing is at {path}"})


say("info", "orders starts")
serve(answer, 8000)
