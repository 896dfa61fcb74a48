"""The page in the browser: shows orders as they arrive."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

from service import Reply, as_json, end_on_sigterm, serve

PAGE = Path(__file__).with_name("page.html").read_bytes()


def page(_: bytes) -> Reply:
    return 200, "text/html; charset=utf-8", PAGE


def orders(_: bytes) -> Reply:
    with urllib.request.urlopen(f"{os.environ['ORDERS_URL']}/orders", timeout=3) as answer:
        return 200, "application/json", answer.read()


def healthz(_: bytes) -> Reply:
    return as_json({"status": "ok"})


end_on_sigterm()
serve({("GET", "/"): page, ("GET", "/orders"): orders, ("GET", "/healthz"): healthz})
