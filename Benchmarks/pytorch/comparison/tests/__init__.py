"""Tests of Benchmarks/run: what needs PyTorch is left out where there is none."""
