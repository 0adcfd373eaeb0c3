"""Tests of Benchmarks/generation."""
