"""hat's model (docs/performance.md, "Against PyTorch") written in PyTorch, to measure hat against."""
