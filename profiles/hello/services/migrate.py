"""Makes the tables, then ends. `orders` and `worker` wait for it."""

from __future__ import annotations

from service import connect_to_database, log

TABLE = """
CREATE TABLE IF NOT EXISTS orders (
    id serial PRIMARY KEY,
    item text NOT NULL,
    cents integer NOT NULL,
    state text NOT NULL DEFAULT 'new',
    created_at timestamptz NOT NULL DEFAULT now(),
    fulfilled_at timestamptz
)
"""


def main() -> None:
    database = connect_to_database()
    database.run(TABLE)
    count = database.run("SELECT count(*) FROM orders")[0][0]
    log("info", "the tables are there", orders=count)
    database.close()


main()
