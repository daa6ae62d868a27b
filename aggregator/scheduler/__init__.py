"""Timers as rows: any process may ring them, and ringing twice changes nothing."""
