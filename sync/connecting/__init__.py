"""How the shop gets connected to a channel, stays so, and leaves it."""
