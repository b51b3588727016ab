"""Rooms, streets and what stands about in them."""
