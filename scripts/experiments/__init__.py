"""Searches for better settings, run by hat itself: scripts/search."""
