"""The words devbox speaks: specs, statuses, events, errors. Standard library only."""
