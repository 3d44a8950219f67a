"""TikTok Shop's API: wire.py knows how it looks, client.py what it can do, webhooks.py what it
sends of itself."""
