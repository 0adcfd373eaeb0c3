"""Tests of scripts/fetch-corpus, without a network."""
