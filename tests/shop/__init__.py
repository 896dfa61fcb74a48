"""The whole of it: profiles/shop on a real engine, used as its visitors and its developers do."""
