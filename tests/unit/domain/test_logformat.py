"""What lines say of themselves, on what the programs really print."""

from __future__ import annotations

import pytest

from devbox.domain.log import Level, LogChunk
from devbox.domain.logformat import Grouping, level_of, read_line
from devbox.domain.logids import ids_in

LINES = {
    "zap": ('{"level":"warn","ts":1700000000.25,"caller":"a/b.go:3","msg":"slow"}', Level.WARN, "slow", 1700000000.25),
    "zerolog": ('{"level":"error","time":1700000000,"message":"bad"}', Level.ERROR, "bad", 1700000000),
    "logrus": ('{"level":"warning","msg":"x","time":"2023-11-14T22:13:20Z"}', Level.WARN, "x", 1700000000),
    "slog": ('{"time":"2023-11-14T22:13:20Z","level":"INFO","msg":"x","n":1}', Level.INFO, "x", 1700000000),
    "pino": ('{"level":30,"time":1700000000000,"pid":1,"msg":"hi"}', Level.INFO, "hi", 1700000000),
    "bunyan": (
        '{"name":"a","level":50,"msg":"no","time":"2023-11-14T22:13:20.000Z","v":0}',
        Level.ERROR,
        "no",
        1700000000,
    ),
    "structlog": (
        '{"event":"made","level":"debug","timestamp":"2023-11-14T22:13:20Z"}',
        Level.DEBUG,
        "made",
        1700000000,
    ),
    "python-json": (
        '{"asctime": "2023-11-14T22:13:20Z", "levelname": "CRITICAL", "message": "m"}',
        Level.FATAL,
        "m",
        1700000000,
    ),
    "logback": (
        '{"@timestamp":"2023-11-14T22:13:20Z","message":"m","level":"WARN","level_value":30000}',
        Level.WARN,
        "m",
        1700000000,
    ),
    "ecs": ('{"@timestamp":"2023-11-14T22:13:20Z","log.level":"ERROR","message":"m"}', Level.ERROR, "m", 1700000000),
    "clef": ('{"@t":"2023-11-14T22:13:20Z","@mt":"Hello"}', Level.INFO, "Hello", 1700000000),
    "clef warning": ('{"@t":"2023-11-14T22:13:20Z","@m":"Hello","@l":"Warning"}', Level.WARN, "Hello", 1700000000),
    "mongo": ('{"t":{"$date":"2023-11-14T22:13:20Z"},"s":"E","c":"NETWORK","msg":"m"}', Level.ERROR, "m", 1700000000),
    "nested level is not the line's": ('{"user":{"level":"error"},"level":"info","msg":"m"}', Level.INFO, "m", None),
    "logfmt": ('time=2023-11-14T22:13:20Z level=warn msg="a \\"b\\"" n=3', Level.WARN, 'a "b"', 1700000000),
}
PLAIN = {
    "WARNING:root:disk": Level.WARN,
    "2024-01-01 00:00:00,123 - app - ERROR - it broke": Level.ERROR,
    'INFO:     127.0.0.1:51922 - "GET / HTTP/1.1" 200 OK': Level.INFO,
    "[2024-01-01 00:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT": Level.FATAL,
    "12:00:00.123 [main] WARN  c.x.Y - slow": Level.WARN,
    "2024-01-01T00:00:00.000Z  INFO 1 --- [  main] c.x.App : Started": Level.INFO,
    "SEVERE: Servlet threw": Level.ERROR,
    "[2024-01-01 00:00:00,000] INFO [KafkaServer id=0] started (kafka.server.KafkaServer)": Level.INFO,
    "2009/11/10 23:00:00 WARN slow": Level.WARN,
    "I0102 15:04:05.678901   12345 file.go:10] msg": Level.INFO,
    "E0102 15:04:05.678901   12345 file.go:10] msg": Level.ERROR,
    "panic: runtime error: index out of range [3]": Level.FATAL,
    "2024/01/01 00:00:00 [error] 12#12: *1 open() failed": Level.ERROR,
    '127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET /x HTTP/1.1" 502 12 "-" "curl"': Level.ERROR,
    '127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET /x HTTP/1.1" 404 12': Level.WARN,
    '127.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET /x HTTP/1.1" 200 12': Level.INFO,
    "2024-01-01 00:00:00.000 UTC [12] LOG:  ready to accept connections": Level.INFO,
    '2024-01-01 00:00:00.000 UTC [12] ERROR:  relation "x" does not exist': Level.ERROR,
    "2024-01-01  0:00:00 0 [Note] mariadbd: ready": Level.INFO,
    "2024-01-01  0:00:00 0 [Warning] unsafe": Level.WARN,
    "1:M 01 Jan 2024 00:00:00.000 * Ready to accept connections": Level.INFO,
    "1:M 01 Jan 2024 00:00:00.000 # Could not": Level.WARN,
    "2024-01-01 00:00:00.000000+00:00 [warning] <0.2.0> memory": Level.WARN,
    "warn: Microsoft.AspNetCore[3]": Level.WARN,
    "fail: Microsoft.AspNetCore[3]": Level.ERROR,
    "[2024-01-01T00:00:00Z DEBUG app] msg": Level.DEBUG,
    "\x1b[2m2024-01-01T00:00:00Z\x1b[0m \x1b[31mERROR\x1b[0m app: msg": Level.ERROR,
    "<11>Oct 11 22:14:15 host app: msg": Level.ERROR,
    "npm ERR! missing script": Level.ERROR,
    "TypeError: x is not a function": Level.ERROR,
    'Exception in thread "main" java.lang.IllegalStateException: no': Level.ERROR,
    "/app/orders.py:10: DeprecationWarning: old thing": Level.WARN,
    "(node:6983) Warning: deprecated thing": Level.WARN,
    "(node:6983) [DEP0005] DeprecationWarning: Buffer() is deprecated": Level.WARN,
    "thread 'main' (19812) panicked at src/main.rs:1:108:": Level.FATAL,
    "error[E0425]: cannot find value `y` in this scope": Level.ERROR,
    "src/main.c:1:27: error: 'y' undeclared (first use in this function)": Level.ERROR,
    "src/main.c:1:17: warning: unused variable 'x' [-Wunused-variable]": Level.WARN,
    "src/main.c:1:27: note: each undeclared identifier is reported only once": None,
    "src/app.ts(3,5): error TS2322: Type 'string' is not assignable to type 'number'.": Level.ERROR,
    'psql: error: connection to server at "localhost" failed: Connection refused': Level.ERROR,
    'initdb: warning: enabling "trust" authentication for local connections': Level.WARN,
    "PHP Fatal error:  Uncaught Exception: no order in /app/order.php:1": Level.ERROR,
    "PHP Warning:  odd in /app/order.php on line 1": Level.WARN,
    "2024/01/01 00:00:00 [emerg] 13#13: open() failed (2: No such file or directory)": Level.FATAL,
    "ERROR    2024-01-01 00:00:00,718 boom": Level.ERROR,
    "the answer was: error 7, and that is fine": None,
    "a sentence about an error that is none": None,
    "listening on 8080": None,
    "": None,
}


@pytest.mark.parametrize("name", LINES)
def test_structured_lines(name: str) -> None:
    line, level, message, at = LINES[name]
    record = read_line(line)
    assert (record.level, record.message, record.time) == (level, message, at)
    assert level_of(line) is level


@pytest.mark.parametrize("line", PLAIN)
def test_plain_lines(line: str) -> None:
    assert level_of(line) is PLAIN[line]


def grouped(text: str) -> str:
    return Grouping().letters(text.strip("\n").split("\n"))


def test_a_trace_stays_with_its_record() -> None:
    python = """
2024-01-01 00:00:00 ERROR it broke
Traceback (most recent call last):
  File "x.py", line 1, in f
    g()
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "x.py", line 3
app.Failed: no
INFO after
"""
    assert grouped(python) == "eEEEEEEEEEEi"
    java = """
12:00:00.123 [main] ERROR c.x.Y - failed
java.lang.IllegalStateException: no
\tat c.x.Y.run(Y.java:3)
Caused by: java.io.IOException: gone
\tat c.x.Z.read(Z.java:9)
\t... 12 more
12:00:00.124 [main] INFO  c.x.Y - on
"""
    assert grouped(java) == "eEEEEEi"
    own = """
Nov 25, 2026 2:39:28 PM app.Orders place
SEVERE: failed
java.lang.RuntimeException: cannot place
\tat J.main(J.java:6)
Caused by: java.lang.IllegalStateException: no order
\t... 1 more
java.lang.RuntimeException: another one
\tat J.main(J.java:6)
"""
    assert grouped(own) == "-eEEEEeE"
    assert read_line(own.strip().split("\n")[0]).time is not None
    go = """
panic: oh

goroutine 1 [running]:
main.main()
\t/src/main.go:3 +0x1d
exit status 2
"""
    assert grouped(go) == "fFFFFF"
    rust = """
thread 'main' (19812) panicked at src/main.rs:1:108:
index out of bounds: the len is 0 but the index is 6
stack backtrace:
   0: __rustc::rust_begin_unwind
             at /rustc/library/std/src/panicking.rs:689:5
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.
started again
"""
    assert grouped(rust) == "fFFFFF-"
    php = """
PHP Fatal error:  Uncaught Exception: no order in /app/order.php:1
Stack trace:
#0 /app/order.php(1): f()
#1 {main}
  thrown in /app/order.php on line 1
"""
    assert grouped(php) == "eEEEE"
    node = """
/src/x.js:1
throw new Error("no")
^

Error: no
    at Object.<anonymous> (/src/x.js:1:7)
    at Module._compile (node:internal:1:1)
up again
"""
    assert grouped(node)[4:] == "eEE-"
    postgres = """
2024-01-01 00:00:00 UTC [12] ERROR:  no such table
2024-01-01 00:00:00 UTC [12] STATEMENT:  select 1
\tfrom x
2024-01-01 00:00:00 UTC [12] LOG:  checkpoint
"""
    assert grouped(postgres) == "eEEi"
    assert grouped("info: Microsoft.Hosting[14]\n      Now listening") == "iI"
    assert grouped("no level\n  more") == "-+"


def test_a_chunk_knows_its_levels() -> None:
    chunk = LogChunk("api", 1, "stdout", 0, 0.0, ("a", "b", "c"), "eE-")
    assert [chunk.level(i) for i in range(3)] == [Level.ERROR, Level.ERROR, None]
    assert [chunk.continues(i) for i in range(3)] == [False, True, False]
    assert LogChunk("api", 1, "stdout", 0, 0.0, ("a",)).level(0) is None


def test_ids_are_found_by_name_and_by_shape() -> None:
    trace, uuid = "4bf92f3577b34da6a3ce929d0e0e4736", "550e8400-e29b-41d4-a716-446655440000"
    line = f'{{"trace_id":"{trace}","who":"{uuid}"}} request-id=abc-12345'
    assert [(each.name, each.value) for each in ids_in(line)] == [
        ("trace_id", trace),
        ("uuid", uuid),
        ("request-id", "abc-12345"),
    ]
    parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert [each.name for each in ids_in(parent)] == ["trace id", "span id"]
    assert ids_in("listening on 8080, 1234567890123456 bytes") == ()
