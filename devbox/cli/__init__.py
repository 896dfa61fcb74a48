"""The command line: arguments, exit codes, and the wiring of concrete classes. Nobody imports it."""
