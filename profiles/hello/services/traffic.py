"""A gentle load: about an order a second."""

from __future__ import annotations

import itertools
import json
import os
import random
import time
import urllib.request

from service import end_on_sigterm, log

ITEMS = ("tea", "coffee", "bread", "honey", "soap", "candles", "paper", "apples")


def order(item: str) -> None:
    body = json.dumps({"item": item}).encode()
    request = urllib.request.Request(f"{os.environ['ORDERS_URL']}/orders", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        log("info", "ordered", item=item, order=json.load(answer)["id"])


def main() -> None:
    end_on_sigterm()
    for number in itertools.count(1):
        try:
            order(random.choice(ITEMS))
        except (OSError, ValueError) as error:
            log("warning", "the order was not taken", error=str(error))
        if number % 60 == 0:
            log("debug", "still here", orders=number)
        time.sleep(random.uniform(0.6, 1.4))


main()
