"""Rounds of work that is killed, stopped, starved of room or damaged, and must end as if nothing had been."""
