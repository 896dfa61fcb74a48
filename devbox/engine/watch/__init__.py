"""Files that are watched, and what is done when they change: one watcher for the whole mesh."""
