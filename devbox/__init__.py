"""devbox: run a whole service mesh on a laptop, and see why a part of it is not well."""

__version__ = "0.1.0"
