"""The meshes that the panel is shown on."""

from __future__ import annotations

import json
from dataclasses import replace

from devbox.control.protocol import ConfigValue, PendingChange, PendingChanged, Row, Why
from devbox.domain.event import HealthChanged, InstanceSeen, Progress, RestartRequested, StepFinished, StepStarted
from devbox.domain.instance import Observed, Ref
from devbox.domain.log import LogChunk
from devbox.domain.measure import MetricsHistory, ProbeResult
from devbox.domain.spec import Group, UnitKey
from devbox.domain.status import Health
from devbox.domain.step import Op, Step
from devbox.domain.timing import Timing, Timings
from tests.tui.mesh import NOW, ScriptedControl, chunk, event, row, snapshot

ORDERS = UnitKey("orders")
REF = Ref("process", "7")


def said(message: str, level: str = "info", at: float = NOW, **fields: object) -> str:
    """A line as services with structured logs write it."""
    return json.dumps({"ts": at, "level": level, "msg": message, **fields})


SAVED = PendingChange(
    "compose.yaml",
    (
        "stop    orders  (its environment changed)",
        "start   orders  (its environment changed)",
        "stop    worker  (its command changed)",
        "start   worker  (its command changed)",
        "start   mailer  (a saved manifest)",
    ),
)


CONFIG = (
    ConfigValue("command", '["python", "orders.py"]', "compose.yaml:28:5"),
    ConfigValue("environment.DATABASE_URL", "${db.url}", "compose.yaml:33:7"),
    ConfigValue(
        "environment.LOG_LEVEL",
        "debug",
        "compose.override.yaml:6:7",
        (("compose.yaml:34:7", "info"), ("orders.env:2", "warning")),
    ),
    ConfigValue("environment.STRIPE_KEY", "*****", ".env:3", secret=True),
    ConfigValue("health.http", "/healthz", "compose.yaml:39:14"),
    ConfigValue("ports", '[{"mode": "ingress", "host_ip": "127.0.0.1", "target": 8001}]', "compose.yaml:30:5"),
)


def healthy_rows() -> tuple[Row, ...]:
    """The hello mesh, all well."""
    return (
        replace(row("db", group=Group.DATABASE, port=5432, cpu=0.4, memory=71), keeps_data=True),
        row("cache", group=Group.DATABASE, port=6379, cpu=0.2, memory=9),
        row("orders", port=8001, cpu=3.1, memory=58, restarts=1, age=43, needs=("migrate", "cache")),
        row("worker", cpu=1.4, memory=41, needs=("migrate", "cache")),
        row("web", port=8080, cpu=0.6, memory=63, needs=("orders",)),
        row("traffic", "running", cpu=0.9, memory=22, needs=("web",)),
        row("migrate", "completed", group=Group.JOB, needs=("db",)),
    )


def broken_rows() -> tuple[Row, ...]:
    """The hello mesh with a crash loop in it, and what waits for it."""
    changed = {
        "orders": row(
            "orders", "crashing", note="exited with 3 five times in 40 s; next try in 8 s", restarts=5, port=8001
        ),
        "web": row("web", "waiting", note="waits for orders to be healthy", port=8080),
        "worker": row("worker", "unhealthy", note="GET /health answered 503: queue is 1,204 jobs behind", cpu=98.7),
        "traffic": row("traffic", "waiting", note="waits for web to be healthy"),
    }
    return tuple(replace(changed.get(each.service, each), needs=each.needs) for each in healthy_rows())


LOGS: tuple[LogChunk, ...] = (
    chunk("db", "LOG:  database system is ready to accept connections", stream="stderr", at=NOW - 190),
    chunk("cache", "* Ready to accept connections unix", at=NOW - 189),
    chunk("migrate", "3 migrations applied", at=NOW - 188),
    chunk("orders", said("listening", port=8001), at=NOW - 187),
    chunk("worker", said("took job", job="a41f", queue="mail"), at=NOW - 4),
    chunk("orders", said("order placed", order=1041, customer="ada", total="12.50"), at=NOW - 3),
    chunk("web", "\x1b[32mGET\x1b[0m / \x1b[1m200\x1b[0m in 3 ms", at=NOW - 2),
    chunk("orders", said("stock is low", "warn", item="tea", left=2), at=NOW - 1),
    chunk("worker", said("job failed", "error", job="a41f", reason="smtp: connection refused"), stream="stderr"),
)


def why_orders() -> Why:
    """Why orders is crash-looping."""
    died = Observed(REF, ORDERS, "f", False, NOW - 4, NOW - 2, None, 3)
    step = Step("s1", Op.START, ORDERS, "restart policy: on-failure")
    chain = (
        event(45, InstanceSeen(died, ("KeyError: 'DATABASE_URL'",)), cause=44),
        event(44, StepFinished("s1", Op.START, ORDERS, Observed(REF, ORDERS, "f", True, NOW - 4, pid=4711)), cause=43),
        event(43, StepStarted(step), cause=42),
        event(42, HealthChanged(Ref("process", "3"), UnitKey("db"), Health.UNHEALTHY, "connection refused"), cause=41),
        event(41, RestartRequested(("db",), "r in the panel")),
    )
    orders = next(each for each in broken_rows() if each.service == "orders")
    return Why(
        row=orders,
        headline="orders is crash-looping: it exited with 3 five times in 40 s",
        chain=chain,
        tail=(
            "Traceback (most recent call last):",
            '  File "orders.py", line 12, in <module>',
            "\x1b[31mKeyError: 'DATABASE_URL'\x1b[0m",
        ),
        blocks=("web", "traffic"),
        culprit="db",
        first_cause="unhealthy: connection refused",
        error_line="KeyError: 'DATABASE_URL'",
        try_next="Set DATABASE_URL in the environment of orders; `${db.url}` is the database's.",
    )


def probes(fail: int = 0) -> tuple[ProbeResult, ...]:
    """Fifty probes, two seconds apart, the last `fail` of which did not go well."""
    well = (
        ProbeResult(NOW - 2 * n, True, 0.001 * (2 + n * 7 % 11), "GET /health: 200 OK") for n in range(50, fail, -1)
    )
    bad = (
        ProbeResult(NOW - 2 * n, False, 0.25, "GET /health: 503\nqueue is 1,204 jobs behind")
        for n in range(fail, 0, -1)
    )
    return (*well, *bad)


def history() -> MetricsHistory:
    """A quarter of an hour of a service that is asked for more and more."""
    count = range(450)
    return MetricsHistory(
        times=tuple(NOW - 900 + 2 * n for n in count),
        cpu=tuple(5 + n / 10 + 20 * (n % 50 == 0) for n in count),
        memory=tuple(float((40 + n // 10) << 20) for n in count),
        memory_limit=128 << 20,
        net_rx=tuple(2048.0 * (n % 30) for n in count),
        net_tx=tuple(4096.0 * (n % 20) for n in count),
        disk_read=tuple(0.0 for _ in count),
        disk_write=tuple(1024.0 * (n % 7) for n in count),
        open_files=tuple(20.0 + n // 100 for n in count),
        restarts=1,
    )


def _with_past(control: ScriptedControl, *, fail: int = 0) -> ScriptedControl:
    control.probed = {"orders": probes(), "worker": probes(fail)}
    control.configured = {"orders": CONFIG}
    control.measured = {"orders": history(), "worker": history()}
    return control


def healthy() -> ScriptedControl:
    return _with_past(ScriptedControl(snapshot(*healthy_rows()), logs=LOGS, whys=(why_orders(),)))


def broken() -> ScriptedControl:
    control = _with_past(ScriptedControl(snapshot(*broken_rows()), logs=LOGS, whys=(why_orders(),)), fail=4)
    control.change(events=tuple(reversed(why_orders().chain)))
    return control


TIMED = Timings(
    NOW - 60,
    4.0,
    (
        Timing("db", 1, 0.0, 1.0, 0.5, 1.5, 3.0, ready=True),
        Timing("orders", 1, 3.0, 0.0, 0.5, 0.5, 4.0, ready=True, waited_for="db"),
        Timing("web", 1, 3.0, 0.0, 0.0, 0.0, 3.0, ready=False),
    ),
    ("db", "orders"),
)


def timed() -> ScriptedControl:
    control = healthy()
    control.timed = TIMED
    return control


TRACE = "0af7651916cd43dd8448eb211c80319c"


def traced() -> ScriptedControl:
    """A request that left its id in the logs of three services."""
    control = healthy()
    for service in ("web", "worker", "orders"):
        control.log(chunk(service, said(f"{service} did its part", trace_id=TRACE, order=1041)))
    return control


def pulling() -> ScriptedControl:
    """A mesh that is brought up for the first time: one image comes, another is built, the rest waits."""
    rows = (
        row("db", "preparing", group=Group.DATABASE),
        row("orders", "preparing", note="its image is not here"),
        row("web", "waiting", note="waits for orders to be healthy"),
    )
    control = ScriptedControl(snapshot(*rows))
    pulled = Progress("s1", UnitKey("db"), "pulling postgres:17: 4f4fb700ef54 downloading", 31 << 20, 146 << 20)
    built = Progress("s2", ORDERS, "building orders: [3/7] RUN pip install -r requirements.txt")
    control.change(events=(event(1, pulled), event(2, built)))
    return control


def saved() -> ScriptedControl:
    control = healthy()
    control.tell(PendingChanged(SAVED))
    return control


def empty() -> ScriptedControl:
    return ScriptedControl(snapshot())


def fifty() -> ScriptedControl:
    rows = [
        row(f"service-{n:02}", "healthy" if n % 7 else "unhealthy", port=9000 + n, cpu=n / 10) for n in range(1, 51)
    ]
    return ScriptedControl(snapshot(*rows), logs=LOGS)
