"""Generation by hat and by PyTorch, on the same weights and prompts: Benchmarks/generation."""
