"""`make client`: what the client's documents ask for, as Python, by ariadne-codegen.

It needs a graphql-core that Strawberry does not take, so it runs in an environment of its own.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
SDL = ROOT / "graphql_schema" / "schema.graphql"
PACKAGE = ROOT / "client" / "sightlog"
KINDS = {
    "operations": ("Operations", "Transport", False),
    "async_operations": ("AsyncOperations", "AsyncTransport", True),
}
_BASE = """from sightlog import transport


class {name}(transport.{name}):
    pass
"""
_CONFIG = """[tool.ariadne-codegen]
schema_path = "{sdl}"
queries_path = "{queries}"
target_package_path = "{target}"
target_package_name = "api"
client_name = "{client}"
client_file_name = "{module}"
base_client_name = "{base}"
base_client_file_path = "{base_file}"
async_client = {is_async}
include_all_inputs = false
include_all_enums = false
include_comments = "none"
include_typename = false
[tool.ariadne-codegen.scalars]
DateTime = {{ type = "datetime.datetime" }}
Date = {{ type = "datetime.date" }}
JSON = {{ type = "typing.Any" }}
BigInt = {{ type = "int" }}
"""


def write(target: Path, program: str) -> None:
    """The package `api` of the client, in that folder."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for module, (client, base, is_async) in KINDS.items():
        with TemporaryDirectory() as folder:
            base_file = Path(folder, f"{base.lower()}.py")
            base_file.write_text(_BASE.format(name=base))
            config = Path(folder, "config.toml")
            config.write_text(
                _CONFIG.format(
                    sdl=SDL,
                    queries=PACKAGE / "operations",
                    target=folder,
                    client=client,
                    module=module,
                    base=base,
                    base_file=base_file,
                    is_async=str(is_async).lower(),
                )
            )
            subprocess.run([program, "--config", str(config)], check=True, stdout=subprocess.DEVNULL)
            shutil.copytree(Path(folder, "api"), target, dirs_exist_ok=True)
    (target / "__init__.py").write_text('"""Made by `make client` from `operations/` and the server\'s schema."""\n')


if __name__ == "__main__":
    write(PACKAGE / "api", sys.argv[1])
