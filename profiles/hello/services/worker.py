"""Fulfils orders. Now and then it meets one that it cannot bear, and crashes: on purpose, see devbox.yaml."""

from __future__ import annotations

import json
import os
import random
import threading
import time

import redis
from pg8000.exceptions import InterfaceError
from service import Reply, as_json, connect_to_database, end_on_sigterm, log, serve

TROUBLE_EVERY = float(os.environ.get("TROUBLE_EVERY") or 0)
QUIET_AT_FIRST = 60.0
began = time.monotonic()
last_look = time.monotonic()
queue = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=5, socket_connect_timeout=3)


class PoisonedOrder(Exception):
    """An order that this worker cannot bear."""


def fulfil(order: dict[str, object]) -> None:
    time.sleep(random.uniform(0.05, 0.3))
    database = connect_to_database()
    try:
        database.run("UPDATE orders SET state = 'fulfilled', fulfilled_at = now() WHERE id = :id", id=order["id"])
    finally:
        database.close()
    log("info", "order fulfilled", order=order["id"], item=order["item"])


def work() -> None:
    """Take orders one by one, for ever. What goes wrong with a dependency is waited out; a poisoned order is not."""
    global last_look
    trouble_at = began + max(QUIET_AT_FIRST, TROUBLE_EVERY) * random.uniform(1.0, 1.3)
    while True:
        try:
            taken = queue.blpop(["orders"], timeout=1)
            last_look = time.monotonic()
            if taken is None:
                continue
            order = json.loads(taken[1])
            if TROUBLE_EVERY and time.monotonic() > trouble_at:
                raise PoisonedOrder(f"order {order['id']}: {order['item']} has no weight")
            fulfil(order)
        except (redis.RedisError, InterfaceError, OSError) as error:
            log("error", "a dependency is away, trying again", error=f"{type(error).__name__}: {error}")
            time.sleep(1)


def healthz(_: bytes) -> Reply:
    queue.ping()
    idle = time.monotonic() - last_look
    return as_json({"status": "ok"}) if idle < 10 else as_json({"status": f"nothing taken for {idle:.0f} s"}, 503)


end_on_sigterm()
threading.Thread(target=serve, args=({("GET", "/healthz"): healthz},), daemon=True).start()
work()
