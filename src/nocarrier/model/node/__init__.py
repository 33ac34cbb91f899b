"""What a node shows of itself: its state, its counters, and why its sessions end."""
