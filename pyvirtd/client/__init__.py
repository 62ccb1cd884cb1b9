"""An asyncio client on the same protocol declarations."""
