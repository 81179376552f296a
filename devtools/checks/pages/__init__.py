"""What a page says holds: its commands, addresses, paths and links."""
