"""One module for each command, or for commands of one kind. Each is imported only when it is run."""
