"""The pages of the repository: what is generated from the program, and what they refer to."""
