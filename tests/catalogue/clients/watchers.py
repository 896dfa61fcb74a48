"""What looks at others, or is told of them: numbers and traces."""

from __future__ import annotations

import os
import re
import time
import urllib.parse

from talk import given, http, well


class Prometheus:
    """It is told nothing: what it knew first of itself, it must know as long as it keeps its data."""

    def _first(self) -> str:
        query = urllib.parse.urlencode({"query": 'min_over_time(timestamp(up{job="prometheus"})[2h:1s])'})
        found = well(http("GET", f"{given('url')}/api/v1/query?{query}"))["data"]["result"]
        return str(found[0]["value"][1]) if found else ""

    def write(self, key: str, value: str) -> str:
        deadline = time.monotonic() + 60
        while not (first := self._first()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return first

    def server(self) -> str:
        return f"Prometheus {well(http('GET', given('url') + '/api/v1/status/buildinfo'))['data']['version']}"

    def read(self, key: str) -> str:
        return self._first()


class Collector:
    """It is told numbers, and hands them to whoever scrapes it."""

    def write(self, key: str, value: str) -> None:
        point = {
            "timeUnixNano": str(time.time_ns()),
            "asDouble": 1.0,
            "attributes": [{"key": "v", "value": {"stringValue": value}}],
        }
        metric = {"name": key, "gauge": {"dataPoints": [point]}}
        body = {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"scope": {}, "metrics": [metric]}]}]}
        well(http("POST", f"{given('otlp_endpoint')}/v1/metrics", body))
        deadline = time.monotonic() + 20
        while not self.read(key) and time.monotonic() < deadline:
            time.sleep(0.2)

    def read(self, key: str) -> str:
        _, page, _ = http("GET", given("metrics_url"))
        found = re.search(rf'^{key}{{[^}}]*\bv="(\w+)"', page.decode(), re.MULTILINE)
        return found[1] if found else ""


class Jaeger:
    def write(self, key: str, value: str) -> None:
        now = time.time_ns()
        span = {
            "traceId": os.urandom(16).hex(),
            "spanId": os.urandom(8).hex(),
            "name": value,
            "kind": 1,
            "startTimeUnixNano": str(now - 10**6),
            "endTimeUnixNano": str(now),
        }
        name = {"key": "service.name", "value": {"stringValue": key}}
        body = {"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": [span]}]}]}
        well(http("POST", f"{given('otlp_endpoint')}/v1/traces", body))

    def read(self, key: str) -> str:
        found = well(http("GET", f"{given('url')}/api/traces?service={key}"))["data"]
        return found[0]["spans"][0]["operationName"] if found else ""
