"""Laws of loss over size and text, fitted to the runs of two searches: scripts/scaling-laws."""
