"""Mails: which one an event asks for, what it says, and how it leaves."""
