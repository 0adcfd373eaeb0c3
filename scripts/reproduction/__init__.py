"""The paper's claims, put to the test at a size for two cores: scripts/reproduce."""
