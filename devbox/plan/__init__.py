"""Pure decisions: from what is wanted and what is seen to what is to be done. No clock, no socket, no file."""
