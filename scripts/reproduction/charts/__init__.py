"""Charts as SVG, without a library: lines, and bars with whiskers."""
