"""The domain's documents: one noun a file."""
