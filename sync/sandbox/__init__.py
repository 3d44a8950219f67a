"""TikTok Shop to develop against: an HTTP server of its own, with shops, audits, shoppers,
webhooks and faults on demand.

It reads the same facts as the client and shares no line with it: nothing here imports anything of
`sync` outside this package.
"""
