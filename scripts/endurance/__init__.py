"""Long tests of the whole program: scripts/soak disturbs it, scripts/fuzz-commands gives it hostile words."""
