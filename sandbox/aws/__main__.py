"""`python -m sandbox.aws --port 5555 --state .sandbox/aws`: serve until SIGTERM or Ctrl-C.

It prints one line when ready: `AWS is ready at http://127.0.0.1:5555 (lake <id>, new)`. A clean stop saves
S3's content in the state folder, and the next start restores it. IAM, SNS, SQS and KMS are in memory only, so
the server must be seeded after each start, with `--seed` or `sandbox.aws.seed.seed`. Seeding is idempotent.
"""

import argparse
import errno
import signal
import sys
import threading
from pathlib import Path

from sandbox.aws import snapshot
from sandbox.aws.cloudtrail.signing import KEYS
from sandbox.aws.seed import seed
from sandbox.aws.server import AwsServer


def main(argv: list[str] | None = None) -> int:
    """Serve, and return the exit code: 2 if the port is in use."""
    arguments = _parser().parse_args(argv)
    try:
        server = AwsServer(host=arguments.host, port=arguments.port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        print(
            f"port {arguments.port} is in use: stop the program that uses it, or choose another with --port",
            file=sys.stderr,
        )
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if arguments.stop_with_stdin:
        threading.Thread(target=_wait_for_end_of_input, args=(stopping,), daemon=True).start()
    KEYS.keep_in(arguments.state)
    lake = snapshot.load(arguments.state)
    if lake is not None:
        server.control.lake = lake
    server.start()
    if arguments.seed:
        seed(server.endpoint)
    kept = "restored from the last stop" if lake else "new"
    print(f"AWS is ready at {server.endpoint} (lake {server.control.lake}, {kept})", flush=True)
    stopping.wait()
    server.stop()
    saved = snapshot.save(arguments.state, lake=server.control.lake)
    print(f"AWS has stopped; S3's content is saved in {saved}", flush=True)
    return 0


def _wait_for_end_of_input(stopping: threading.Event) -> None:
    sys.stdin.buffer.read()
    stopping.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.aws", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=5555, help="port to listen on, 0 for a free one (default: %(default)s)")
    add("--state", type=Path, default=Path(".sandbox/aws"), help="folder that keeps S3's content")
    add("--seed", action="store_true", help="create the sandbox's buckets, roles and topic")
    add("--stop-with-stdin", action="store_true", help="also stop when standard input ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
