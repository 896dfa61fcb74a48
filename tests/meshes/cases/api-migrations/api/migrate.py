"""Rows that the server takes for granted."""

from server import database

with database() as connection, connection.cursor() as cursor:
    cursor.execute("INSERT INTO things VALUES ('migrated') ON CONFLICT DO NOTHING")
print("migrated", flush=True)
