"""Exported models in the hands of others: what the library transformers makes of them."""
