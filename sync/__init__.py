"""The sidecar that keeps catalogue, stock and orders in step with TikTok Shop."""
