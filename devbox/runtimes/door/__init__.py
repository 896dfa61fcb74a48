"""Doors: relays that hold published ports for the instances behind them.

A process of its own keeps a project's doors, so that neither the death of the supervisor nor the change from one
instance to the next is noticed by anybody outside.
"""
