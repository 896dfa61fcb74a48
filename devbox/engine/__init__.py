"""The loop that keeps a mesh as its manifest says: facts come in by one inbox, one task owns the state."""
