"""How views and commands talk to a project's supervisor: snapshot, subscribe, command, over a Unix socket."""
