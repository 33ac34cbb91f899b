"""Which ports and addresses are true: ours as others see them, and theirs as we see them."""
