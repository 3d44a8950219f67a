"""Pictures of products: fetched from wherever the shop has them, checked, kept by their digest."""
