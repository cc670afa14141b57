"""Made by `make client` from `operations/` and the server's schema."""
