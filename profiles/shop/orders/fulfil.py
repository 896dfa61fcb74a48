"""Takes orders out of the queue and puts them into the database, each once."""

from __future__ import annotations

import json
from typing import Any

from backing import QUEUE, database, queue
from words import end_on_sigterm, say

end_on_sigterm()
rows = database()


def fulfil(channel: Any, method: Any, properties: Any, body: bytes) -> None:
    order = json.loads(body)
    request = (properties.headers or {}).get("x-request-id", "")
    rows.run(
        "INSERT INTO orders (id, item, quantity, total) VALUES (:id, :item, :quantity, :total) ON CONFLICT DO NOTHING",
        **order,
    )
    channel.basic_ack(method.delivery_tag)
    say("info", f"stored an order of {order['quantity']} {order['item']}", request_id=request, order=order["id"])


channel = queue().channel()
channel.basic_qos(prefetch_count=10)
channel.basic_consume(QUEUE, fulfil)
say("info", "waiting for orders")
channel.start_consuming()
