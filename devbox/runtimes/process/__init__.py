"""Services as processes on the host.

A small keeper process is their parent, so that the death of the supervisor stops nobody and loses no exit code.
"""
