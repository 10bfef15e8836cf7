"""What is slow and what is not, as ratios of things measured in one run. Not part of the tests."""
