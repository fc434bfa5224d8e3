"""Writes: opening deliveries, sending them, opening and working on alerts, experiments, what tutors answer."""
