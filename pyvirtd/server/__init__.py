"""Transports, authentication, session, dispatch, streams, keepalive."""
