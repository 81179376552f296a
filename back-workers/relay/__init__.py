"""The relay: takes what is due out of the outbox and brings it to its consumers."""
