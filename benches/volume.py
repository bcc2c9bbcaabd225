#!/usr/bin/env python3
"""Going through a volume of 512x512x200 numbers of 16 bits (105 MB); run by hand, never in CI.

    cargo build --release && python3 benches/volume.py [--dir DIR] [--ssh CONFIG HOST]

Makes the volume (kept in DIR), and opens it on a 160x50 pseudo-terminal that answers as kitty does:
time of `show`, then 200 times `j` at 30 a second: key to frame, bytes a key, memory, and how long
after the last key the last slice is there. With --ssh the workbench runs through that host, so that
a slow link can lie between (say, one that is limited to 5 Mbit/s). Needs python3, numpy and pyte.
"""
import argparse, fcntl, json, os, pty, re, select, shutil, struct, subprocess, termios, time
import numpy
import pyte

PARSER = argparse.ArgumentParser(usage=__doc__)
PARSER.add_argument("--dir", default="target/volume")
PARSER.add_argument("--ssh", nargs=2, metavar=("CONFIG", "HOST"))
PARSER.add_argument("--pace", type=float, default=1 / 30)
ARGS = PARSER.parse_args()
PROGRAM = os.path.abspath("target/release/semihv")
FOLDER = os.path.abspath(ARGS.dir)
SIDE, SLICES = 512, 200


def say(**figures):
    print(json.dumps(figures), flush=True)


def write_volume(path):
    """An NIfTI-1 file: a body with lungs and a spine, and the noise of a scanner."""
    chance = numpy.random.default_rng(0)
    y, x = numpy.mgrid[-1:1:SIDE * 1j, -1:1:SIDE * 1j]
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, SIDE, SIDE, SLICES, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 0.7, 0.7, 1.25, 1, 1, 1, 1)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<h", header, 254, 1)
    for row, place, step in ((280, 0, -0.7), (296, 1, -0.7), (312, 2, 1.25)):
        struct.pack_into("<f", header, row + 4 * place, step)
    header[344:348] = b"n+1\0"
    with open(path + ".new", "wb") as out:
        out.write(header)
        for slice_number in range(SLICES):
            size = 1 - 0.3 * abs(slice_number / SLICES - 0.5)
            picture = numpy.full((SIDE, SIDE), -1000.0)
            for cx, cy, rx, ry, value in ((0, 0, 0.85, 0.65, 40), (-0.4, -0.05, 0.3, 0.4, -800), (0.4, -0.05, 0.3, 0.4, -800), (0, 0.45, 0.1, 0.1, 700)):
                picture[((x - cx) / rx / size) ** 2 + ((y - cy) / ry / size) ** 2 < 1] = value
            out.write((picture + chance.normal(0, 20, picture.shape)).astype("<i2").tobytes())
    os.rename(path + ".new", path)


class Terminal:
    """Answers what kitty 0.41 answers."""

    def __init__(self, argv, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 1440, 900))
        self.written, self.seen, self.heard = 0, b"", []

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return b""
        try:
            data = os.read(self.fd, 1 << 18)
        except OSError:
            return b""
        self.written += len(data)
        self.heard.append((time.perf_counter(), data))
        self.seen = (self.seen + data)[-400_000:]
        if b"\x1b[c" in data:
            asked = re.search(rb"\x1b_Gi=(\d+)[^\x1b]*a=q", self.seen) or re.search(rb"a=q[^\x1b]*i=(\d+)", self.seen)
            number = asked.group(1) if asked else b"31"
            os.write(self.fd, b"\x1b_Gi=" + number + b";OK\x1b\\\x1bP>|kitty(0.41.1)\x1b\\\x1b[6;18;9t\x1b[?2026;2$y\x1b[?62;c")
        return data

    def until(self, pattern, seconds):
        begin = time.perf_counter()
        while not re.search(pattern, self.seen):
            if time.perf_counter() - begin > seconds:
                raise SystemExit(f"no {pattern} within {seconds} s: {self.seen[-600:]}")
            self.read(0.02)
        return (time.perf_counter() - begin) * 1000

    def settle(self, quiet):
        last = time.perf_counter()
        while time.perf_counter() - last < quiet:
            if self.read(0.02):
                last = time.perf_counter()
        return last

    def when(self, text):
        """When the screen first said so, followed cell by cell."""
        screen = pyte.Screen(160, 50)
        stream = pyte.ByteStream(screen)
        held = b""
        for moment, data in self.heard:
            held += data
            # Pictures are no text; one that is not complete yet waits.
            held = re.sub(rb"\x1b[_P].*?\x1b\\", b"", held, flags=re.S)
            cut = re.search(rb"\x1b[_P]|\x1b$", held)
            ready, held = (held[:cut.start()], held[cut.start():]) if cut else (held, b"")
            stream.feed(ready)
            if any(text in line for line in screen.display):
                return moment
        lines = [line.strip() for line in screen.display if "axial" in line or "/200" in line]
        raise SystemExit(f"the screen never said {text}: {lines}")

    def memory(self):
        status = open(f"/proc/{self.pid}/status").read()
        value = lambda name: int(re.search(name + r":\s+(\d+)", status).group(1)) / 1024
        return {"rss_mb": round(value("VmRSS")), "peak_mb": round(value("VmHWM"))}


def share(values, part):
    return round(sorted(values)[min(len(values) - 1, int(len(values) * part))], 1)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    volume, space = FOLDER + "/v.nii", FOLDER + "/space"
    if not os.path.exists(volume):
        write_volume(volume)
    environment = {**os.environ, "HOME": FOLDER + "/home", "TERM": "xterm-kitty", "COLORTERM": "truecolor"}
    for name in ("TMUX", "STY", "SSH_CONNECTION"):
        environment.pop(name, None)
    os.makedirs(FOLDER + "/home", exist_ok=True)
    # A session that is remembered would begin elsewhere.
    shutil.rmtree(space, ignore_errors=True)
    if not os.path.exists(space):
        with open(FOLDER + "/v.jsonl", "w") as out:
            out.write(json.dumps({"key": "v", "modality": "CT", "images": [{"path": "v.nii"}]}) + "\n")
        run = lambda *words: subprocess.run([PROGRAM, *words], env=environment, check=True, stdout=subprocess.DEVNULL)
        run("init", space)
        run("import", "jsonl", FOLDER + "/v.jsonl", "-w", space)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([PROGRAM, "show", volume], env=environment, check=True, stdout=subprocess.DEVNULL)
        times.append((time.perf_counter() - begin) * 1000)
    say(bar="open a 105 MB NIfTI and read a slice", ms=round(min(times)), worst_ms=round(max(times)))
    argv = [PROGRAM, space, "--theme", "dark"]
    if ARGS.ssh:
        config, host = ARGS.ssh
        argv = ["ssh", "-F", config, "-tt", host, f"env HOME={FOLDER}/home COLORTERM=truecolor {PROGRAM} {space} --theme dark"]
    terminal = Terminal(argv, environment)
    terminal.until(rb"1 case ", 15)
    terminal.settle(0.6)
    os.write(terminal.fd, b"1")
    terminal.until(rb"axial 101/200", 15)
    terminal.settle(0.6)
    os.write(terminal.fd, b"\t\tgg")
    terminal.settle(1)
    frames, sizes = [], []
    for number in range(SLICES - 1):
        begin, before, first = time.perf_counter(), terminal.written, None
        os.write(terminal.fd, b"j")
        while (left := ARGS.pace - (time.perf_counter() - begin)) > 0:
            if terminal.read(left) and first is None:
                first = (time.perf_counter() - begin) * 1000
        if first is not None:
            frames.append(first)
        sizes.append(terminal.written - before)
    last_key = begin
    end = terminal.settle(1.0)
    late = (terminal.when("axial 200/200") - last_key) * 1000
    figures = {"p50_ms": share(frames, 0.5), "p99_ms": share(frames, 0.99), "most_ms": round(max(frames), 1)}
    say(bar="key to frame", frames_seen=len(frames), bytes_a_key=round(sum(sizes) / len(sizes)), **figures)
    say(bar="after the last key", last_slice_ms=round(late), whole_picture_ms=round((end - last_key) * 1000))
    if not ARGS.ssh:
        say(bar="memory", **terminal.memory())
    os.write(terminal.fd, b"q")
    terminal.settle(0.5)


main()
