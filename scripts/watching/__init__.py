"""What others make of the files that `train` writes for them."""
