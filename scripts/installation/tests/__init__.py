"""Tests of scripts/make-archive and what belongs to it, on small programs made by the C compiler: nothing of hat is built."""
