"""Mails: which template an event needs, the message, and SMTP."""
