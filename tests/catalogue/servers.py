"""Which servers the catalogue is proven against, and what is not proven, and why. docs/catalogue.md says the same."""

from __future__ import annotations

from dataclasses import dataclass

NOTHING: dict[str, str] = {}


@dataclass(frozen=True)
class Booted:
    """An entry for which a real server can be had.

    `server` is its name and the beginning of the version that it gives itself. `image` is the folder of tests/images
    with its stand-in, `use` what the manifest says. `keeps`: its data outlive a restart. `console` is what is typed at
    its prompt, and a regular expression for what must be shown then; None where the entry has no prompt. `seed` are
    files by name, after which the key `seeded` reads `yes`.
    """

    server: str
    image: str = ""
    use: str = ""
    keeps: bool = True
    console: tuple[str, str] | None = None
    seed: tuple[tuple[str, str], ...] = ()


_SQL = ("select 40 + 2;\n", r"\b42\b")
_SHELL = ("echo $((40 + 2))\n", r"\b42\b")
_TABLE = "create table kv (k varchar(99) primary key, v text);\ninsert into kv values ('seeded', 'yes');\n"
_WORDS = (("words.redis", "set seeded yes\n"),)

CONTAINERS = {
    "postgres": Booted("PostgreSQL 15", "postgres", console=_SQL, seed=(("01-words.sql", _TABLE),)),
    "mysql": Booted("MariaDB 10.11", "mariadb", console=_SQL, seed=(("01-words.sql", _TABLE),)),
    "mariadb": Booted("MariaDB 10.11", "mariadb", console=_SQL, seed=(("01-words.sql", _TABLE),)),
    "redis": Booted("Redis 7.0", "redis", console=("echo spoken\n", "spoken"), seed=_WORDS),
    "valkey": Booted("Redis 7.0", "valkey", console=("echo spoken\n", "spoken"), seed=_WORDS),
    "memcached": Booted("memcached 1.6", "memcached", keeps=False, console=("version\r\n", r"VERSION \d")),
}

PROCESSES = {
    "postgres": Booted("PostgreSQL 18", console=_SQL, seed=(("01-words.sql", _TABLE),)),
    "redis": Booted("Redis 6.2", console=("echo spoken\n", "spoken"), seed=_WORDS),
}
