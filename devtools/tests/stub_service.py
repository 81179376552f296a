"""A service of a test stack: answers its health URLs, and misbehaves when a file tells it to.

    python stub_service.py PORT FOLDER

In FOLDER: `unready` answers 503 to ready, `dead` 503 to live too, `exit` ends it at its next start,
`child` starts a child that ignores SIGTERM and writes its pid to `child.pid`.
"""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PORT, FOLDER = int(sys.argv[1]), Path(sys.argv[2])
CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bad = (FOLDER / "dead").exists() or (
            self.path == "/health/ready" and (FOLDER / "unready").exists()
        )
        body = json.dumps({"pid": os.getpid(), "environment": dict(os.environ)}).encode()
        self.send_response(503 if bad else 200)
        self.end_headers()
        self.wfile.write(b"not now" if bad else body)

    def log_message(self, *_: object) -> None:
        return


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if (FOLDER / "exit").exists():
    sys.exit("told to exit")
if (FOLDER / "child").exists():
    child = subprocess.Popen([sys.executable, "-c", CHILD])
    (FOLDER / "child.pid").write_text(str(child.pid))
print("listening", flush=True)
HTTPServer(("127.0.0.1", PORT), Health).serve_forever()
