"""How fast trainings learn, by wall-clock time and by text: Benchmarks/quality."""
