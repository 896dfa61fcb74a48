"""A job: makes the tables that are not there yet."""

from __future__ import annotations

from backing import database
from words import say

database().run(
    """
    CREATE TABLE IF NOT EXISTS orders (
        id text PRIMARY KEY,
        item text NOT NULL,
        quantity integer NOT NULL,
        total bigint NOT NULL,
        made timestamptz NOT NULL DEFAULT now()
    )
    """
)
say("info", "the tables are there")
