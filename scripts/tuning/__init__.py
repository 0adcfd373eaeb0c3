"""A worked example of tuning: dialogues whose answers can be judged exactly, and what a model makes of them."""
