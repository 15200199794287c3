"""Deterministic simulation: real engine, store, dispatch and sweeper; simulated far ends, people, crashes and time."""
