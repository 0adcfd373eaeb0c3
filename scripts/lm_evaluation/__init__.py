"""The standard harness, lm-evaluation-harness, on a model of hat that is served."""
