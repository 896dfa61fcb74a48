"""Services in containers, on any engine that speaks Docker's API from 1.41 on.

The only place that knows the `docker` package, which is imported when an engine is first spoken to.
"""
