"""What comes in from outside, and what follows from what happened."""
