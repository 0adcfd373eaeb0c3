"""Corpora of real text, built from the packages of Debian and PyPI."""

# A part of every package's recipe: raising it redoes every package. Raise it when a change of an extractor
# changes what is written.
VERSION = 1
