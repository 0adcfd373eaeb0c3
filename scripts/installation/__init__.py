"""Archive and Debian package of hat: how they are built, what is in them, and that they work elsewhere."""
