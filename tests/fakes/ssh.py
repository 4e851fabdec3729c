"""An ssh that reaches this machine: `ssh.py [-o...] HOST COMMAND`. As over the wire, its input is the command's, and its exit code too, or
255 where the connection is lost. FAKE_HOSTS is a folder with an empty file for each command, `HOST.PID`; a host of which there is a file
`HOST.down` is not reached."""

import os
import subprocess
import sys
from pathlib import Path

host, command = sys.argv[-2:]
folder = Path(os.environ["FAKE_HOSTS"])
if (folder / f"{host}.down").exists():
    print(f"ssh: connect to host {host} port 22: No route to host", file=sys.stderr)
    sys.exit(255)
with subprocess.Popen(["sh", "-c", command], stdin=0, start_new_session=True) as far:
    (folder / f"{host}.{far.pid}").touch()
    code = far.wait()
sys.exit(255 if (folder / f"{host}.down").exists() else code if code >= 0 else 255)
