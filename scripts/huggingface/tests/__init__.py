"""Tests of exported models: transformers loads them, and computes and writes what hat does."""
