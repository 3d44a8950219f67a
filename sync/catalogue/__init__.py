"""The catalogue: products as people and files write them, checked, merged and found."""
