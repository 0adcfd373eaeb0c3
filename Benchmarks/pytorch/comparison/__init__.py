"""Runs hat and the peer in alternation, on the same batches and the same cores."""
