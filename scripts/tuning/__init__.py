"""A worked example of tuning: instruction dialogues with answers that can be judged exactly, and what a small model makes of them."""
