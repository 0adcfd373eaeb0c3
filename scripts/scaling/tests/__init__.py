"""Tests of scripts/scaling-laws, with runs that follow a known law."""
