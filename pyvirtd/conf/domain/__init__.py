"""The <domain> document: one file a noun."""
