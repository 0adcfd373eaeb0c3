"""Tests of Benchmarks/quality, with a program that answers at once."""
