"""The conversation between one customer and the shop: its state, and what is decided about it."""
