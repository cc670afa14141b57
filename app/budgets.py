"""How many bytes one request may still be answered with."""

from app.errors import TooLarge

_MIB = 2**20


class Budget:
    """Shared by all that one request asks for. Once it is exceeded, nothing is left of it."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def spend(self, size: int = 0) -> None:
        """Takes so many bytes away. TooLarge where they are more than is left."""
        self.left -= size
        if self.left < 0:
            raise TooLarge(
                f"The answer would be larger than {self.most / _MIB:g} MiB: ask for fewer results at a time or fewer "
                "fields, or start an export."
            )
