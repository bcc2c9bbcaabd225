#!/usr/bin/env python3
"""The bars of the workbench, measured on this machine; run by hand, never in CI.

    cargo build --release && python3 benches/bars.py [--cases 1000000] [--dir DIR] [--idle 60]

Makes a seeded set of 1 KB cases (kept in DIR), imports and indexes it with the release program, then
opens it on a 160x50 pseudo-terminal: first painted screen, memory, key to frame, bytes a key, idle.
Needs only python3. Prints one JSON object a line.
"""
import argparse, fcntl, json, os, pty, random, re, select, signal, statistics, struct, subprocess, termios, time

PARSER = argparse.ArgumentParser(usage=__doc__)
PARSER.add_argument("--cases", type=int, default=1_000_000)
PARSER.add_argument("--dir", default="target/bars")
PARSER.add_argument("--idle", type=float, default=60)
PARSER.add_argument("--keys", type=int, default=400)
ARGS = PARSER.parse_args()
PROGRAM = os.path.abspath("target/release/semihv")
FOLDER = os.path.abspath(ARGS.dir)
HZ = os.sysconf("SC_CLK_TCK")


def say(**figures):
    print(json.dumps(figures), flush=True)


def write_cases(path):
    """Words with a long tail, so that rare and frequent ones exist as in real text."""
    if os.path.exists(path):
        return
    chance = random.Random(7)
    letters = "aeiourstlnmdpc"
    words = ["".join(chance.choices(letters, k=chance.randint(3, 10))) for _ in range(20_000)]
    weights = [1 / (rank + 2) for rank in range(len(words))]
    pool = chance.choices(words, weights=weights, k=1_000_000)
    modalities = ["CT", "MR", "X-ray", "US", "Histopathology"]
    with open(path + ".new", "w") as out:
        for number in range(ARGS.cases):
            at = chance.randrange(len(pool) - 200)
            text = " ".join(pool[at:at + 115])
            row = {"key": f"c{number}", "title": " ".join(pool[at:at + 6]), "modality": modalities[number % 5],
                   "year": 2000 + number % 25, "language": "en", "sections": [{"heading": "Findings", "text": text}]}
            out.write(json.dumps(row) + "\n")
    os.rename(path + ".new", path)


def timed(name, argv, environment):
    begin, before = time.time(), os.times()
    subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.time() - begin, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    say(bar=name, per_second=round(ARGS.cases / wall), seconds=round(wall, 2), cpu_seconds=round(cpu, 2))


class Terminal:
    def __init__(self, argv, environment):
        self.begin = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(argv[0], argv, environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 1440, 900))
        self.written = 0
        self.seen = b""

    def read(self, seconds):
        """What came within the time, and when it came; answers who this terminal is."""
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self.fd, 1 << 18)
        except OSError:  # the program has left
            return b""
        self.written += len(data)
        if b"\x1b[c" in data:
            os.write(self.fd, b"\x1b[?62;c")
        self.seen += data
        return data

    def read_until(self, pattern, seconds):
        until = time.perf_counter() + seconds
        while not re.search(pattern, self.seen):
            if time.perf_counter() > until:
                raise SystemExit(f"no {pattern} within {seconds} s: {self.seen[-300:]}")
            self.read(0.5)
        return (time.perf_counter() - self.begin) * 1000

    def settle(self, quiet=0.3):
        while self.read(quiet):
            pass

    def cpu(self):
        fields = open(f"/proc/{self.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / HZ

    def memory(self):
        status = open(f"/proc/{self.pid}/status").read()
        value = lambda name: int(re.search(name + r":\s+(\d+)", status).group(1)) / 1024
        return {"rss_mb": round(value("VmRSS"), 1), "anonymous_mb": round(value("RssAnon"), 1), "peak_mb": round(value("VmHWM"), 1)}

    def key(self, text, pace=1 / 30):
        """Milliseconds from the key to the first bytes of its frame, and all bytes until the next
        key: those of a held key, thirty a second."""
        begin, before, first = time.perf_counter(), self.written, None
        os.write(self.fd, text)
        while (left := pace - (time.perf_counter() - begin)) > 0:
            if self.read(left) and first is None:
                first = time.perf_counter() - begin
        while first is None:
            if self.read(1.0):
                first = time.perf_counter() - begin
        return first * 1000, self.written - before


def share(values, part):
    return round(sorted(values)[min(len(values) - 1, int(len(values) * part))], 2)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    environment = {"HOME": FOLDER, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "USER": "ana"}
    cases, workspace = os.path.join(FOLDER, f"cases-{ARGS.cases}.jsonl"), os.path.join(FOLDER, f"ws-{ARGS.cases}")
    write_cases(cases)
    if not os.path.exists(workspace):
        subprocess.run([PROGRAM, "init", workspace], env=environment, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(workspace, "semihv.toml"), "a") as manifest:
            manifest.write("\nindex_after_import = false\nlayout = \"browse\"\n")
        timed("import", [PROGRAM, "import", "jsonl", cases, "-w", workspace, "--json"], environment)
        timed("index", [PROGRAM, "index", "-w", workspace, "--json"], environment)
    for attempt in ("cold", "warm", "warm"):
        terminal = Terminal([PROGRAM, workspace], environment)
        first = terminal.read_until(rb"c\d+", 30)
        terminal.settle()
        say(bar="first painted screen", run=attempt, ms=round(first, 1), **terminal.memory())
        if attempt == "cold":
            os.write(terminal.fd, b":quit\r")
            terminal.settle()
            os.waitpid(terminal.pid, 0)
            continue
        for name in ("cursor move, other panes following", "cursor move, the list alone"):
            moves = [terminal.key(b"j") for _ in range(ARGS.keys)]
            times, sizes = [m for m, _ in moves], [b for _, b in moves]
            say(bar=name, p50_ms=share(times, .5), p99_ms=share(times, .99), bytes_p50=share(sizes, .5), bytes_p99=share(sizes, .99), bytes_mean=round(statistics.mean(sizes)))
            os.write(terminal.fd, b"z")
            terminal.settle()
        pages = [terminal.key(key) for key in [b"G", b"gg"] * 5 + [b"\x1b[6~"] * 40]
        say(bar="pages and ends", p50_ms=share([m for m, _ in pages], .5), p99_ms=share([m for m, _ in pages], .99))
        terminal.settle(1.0)
        cpu, written, until = terminal.cpu(), terminal.written, time.time() + ARGS.idle
        while time.time() < until:
            terminal.read(until - time.time() if until > time.time() else 0)
        say(bar="idle", seconds=ARGS.idle, bytes=terminal.written - written, cpu_seconds=round(terminal.cpu() - cpu, 3), **terminal.memory())
        os.write(terminal.fd, b":quit\r")
        terminal.settle()
        os.waitpid(terminal.pid, 0)
        ARGS.idle = min(ARGS.idle, 5)


main()
