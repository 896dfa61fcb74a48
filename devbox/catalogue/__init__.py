"""Backing services as data: one YAML file an entry, no code per database."""
