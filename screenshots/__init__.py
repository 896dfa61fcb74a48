"""Pictures of the real program, made by a command and never by hand."""
