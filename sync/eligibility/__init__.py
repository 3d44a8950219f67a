"""Whether a product may be sold on a channel: rules, reasons, and the badge that shows it."""
