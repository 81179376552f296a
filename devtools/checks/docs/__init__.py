"""What a page says holds: its commands, addresses, paths, links and numbers."""
