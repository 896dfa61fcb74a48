"""A gentle load: an order now and then, so that there is something to see."""

from __future__ import annotations

import json
import os
import random
import time
import urllib.request
import uuid

from words import end_on_sigterm, say

ITEMS = ("apple", "bread", "cheese", "dates", "eggs", "flour")

end_on_sigterm()
pause = float(os.environ.get("PAUSE", "1"))
while True:
    request = uuid.uuid4().hex
    order = {"item": random.choice(ITEMS), "quantity": random.randint(1, 5)}
    ask = urllib.request.Request(
        f"{os.environ['SHOP_URL']}/orders",
        json.dumps(order).encode(),
        {"Content-Type": "application/json", "X-Request-Id": request},
    )
    try:
        with urllib.request.urlopen(ask, timeout=10) as reply:
            say("info", f"ordered {order['quantity']} {order['item']}", request_id=request, status=reply.status)
    except OSError as exc:
        say("warn", f"an order was not taken: {exc}", request_id=request)
    time.sleep(pause)
