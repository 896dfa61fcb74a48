"""Manifests that something happened to: reading them gives a mesh or errors, soon and in little room."""
