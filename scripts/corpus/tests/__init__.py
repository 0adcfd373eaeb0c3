"""Tests of scripts/fetch-corpus, without a network but for a library that continuous integration fetches."""
