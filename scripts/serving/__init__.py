"""What works on a server from outside: load, hostile requests, and tests."""
