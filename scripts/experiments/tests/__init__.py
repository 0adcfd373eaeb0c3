"""Tests of scripts/search, with a program that answers at once."""
