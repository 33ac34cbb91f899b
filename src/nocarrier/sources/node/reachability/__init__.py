"""Which ports and addresses are right: this node's as others see it, and its peers' as this node sees them."""
