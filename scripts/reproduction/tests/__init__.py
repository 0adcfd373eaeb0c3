"""Tests of scripts/reproduce: without the program, by answers like its own."""
