"""Node for the examples of front-ends: whether it is there, with npm, and new enough for them."""

import re
import shutil
import subprocess

OLDEST = 20
HOW_TO_GET_IT = f"install Node {OLDEST} or newer, with npm"


def is_there() -> bool:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.match(r"v(\d+)\.", told)
    return version is not None and int(version[1]) >= OLDEST
