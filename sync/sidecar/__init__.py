"""The sidecar: keeps TikTok Shop in step with the catalogue, on one server of all.

goal and draft are pure; ledger writes listings, outbox does changes, watch reads TikTok's verdicts,
board knows how far all products are, sidecar runs them.
"""
