"""The relay: claims due deliveries from the outbox and sends each to its consumer."""
