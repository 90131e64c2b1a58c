"""Which images to label next, which masks seem wrong, and the way of corrected masks back into a training."""
