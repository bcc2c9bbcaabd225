#!/usr/bin/env python3
"""A log that grows, watched by the real program on a terminal of its own (160x48).

    python3 benches/live_log.py target/release/semihv [LINES_PER_SECOND] [SECONDS]

Says: processor time of the program while the log grows, in % of one core; bytes to the terminal; whether
the last line and the number of lines are right at the end; and, with a log that is still, the time from an
append to the first byte of it on the terminal (50 times). Charts and lines are both in sight.
"""
import fcntl
import glob
import json
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

PROGRAM = os.path.abspath(sys.argv[1])
RATE = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 20.0
TICKS = os.sysconf("SC_CLK_TCK")
BURSTS = 100  # a second


class Screen(threading.Thread):
    """Reads what the program writes, and notes when."""

    def __init__(self, descriptor):
        super().__init__(daemon=True)
        self.descriptor, self.bytes, self.tail = descriptor, 0, b""
        self.seen = threading.Condition()

    def run(self):
        while True:
            try:
                part = os.read(self.descriptor, 65536)
            except OSError:
                return
            if not part:
                return
            with self.seen:
                self.bytes += len(part)
                self.tail = (self.tail + part)[-400_000:]
                self.seen.notify_all()

    def wait_for(self, text, patience=20.0):
        end = time.perf_counter() + patience
        with self.seen:
            while text not in self.tail:
                left = end - time.perf_counter()
                if left <= 0 or not self.seen.wait(left):
                    sys.exit(f"waited for {text!r}: {self.tail[-600:]!r}")
        return time.perf_counter()


def processor_time(process):
    with open(f"/proc/{process}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(process):
    with open(f"/proc/{process}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024


def line(step):
    return (f'{{"ts":{1.7e9 + step * 0.01:.3f},"level":"info","step":{step},"epoch":{step / 5e4:.4f},"loss":{2 + (step % 97) / 1000:.5f},'
            f'"lr":2.000e-05,"grad_norm":{1 + (step % 13) / 100:.4f},"tok_s":11800.1,"gpu_mem_gb":71.07,"rank":0,"msg":"train"}}\n')


def homes(folder):
    return {"HOME": folder, "XDG_DATA_HOME": folder + "/data", "XDG_STATE_HOME": folder + "/state",
            "XDG_CONFIG_HOME": folder + "/config"}


def main():
    folder = tempfile.mkdtemp(prefix="live-log-")
    log = os.path.join(folder, "train.jsonl")
    with open(log, "w") as file:
        file.write(line(1))
    process, descriptor = pty.fork()
    if process == 0:
        os.environ.update(homes(folder), TERM="xterm-256color")
        os.execv(PROGRAM, [PROGRAM, "watch", log])
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
    screen = Screen(descriptor)
    screen.start()
    screen.wait_for(b"loss")
    time.sleep(1.5)

    # Lines are made before the clock runs: only their writing is timed.
    each = RATE // BURSTS
    step, made = 1, []
    for _ in range(BURSTS):
        made.append("".join(line(step + at + 1) for at in range(each)).encode())
        step += each
    blocks, lines = made, 1
    start_bytes, start_cpu, start = screen.bytes, processor_time(process), time.perf_counter()
    with open(log, "ab", buffering=0) as file:
        for burst in range(int(SECONDS * BURSTS)):
            file.write(blocks[burst % BURSTS])
            lines += each
            rest = start + (burst + 1) / BURSTS - time.perf_counter()
            if rest > 0:
                time.sleep(rest)
        took = time.perf_counter() - start
        cpu = processor_time(process) - start_cpu
        sent = screen.bytes - start_bytes
        file.write(b"the last line of all\n")
        lines += 1
    screen.wait_for(b"last")
    time.sleep(2)
    root = glob.glob(folder + "/data/semihv/watched/*")[0]
    asked = subprocess.run([PROGRAM, "metrics", "train.jsonl", "-m", "loss", "--json", "-w", root], capture_output=True,
                           text=True, env=dict(os.environ, **homes(folder)))
    said = json.loads(asked.stdout)
    # Every line but the last one says a loss.
    is_right = said["points"] == lines - 1
    print(f"{(lines - 2) / took:,.0f} lines/s for {took:.1f} s: {cpu / took * 100:.1f} % of a core, "
          f"{sent / took / 1000:.1f} KB/s to the terminal, {memory(process):.0f} MB at most; "
          f"{lines:,} lines, {'all counted' if is_right else f'NOT ALL COUNTED: {said}'}")

    waits = []
    for number in range(50):
        # No letter stands where one stood before: only what changed is sent.
        mark = (chr(97 + number % 26) if number % 2 else str(number % 10)) * 12
        time.sleep(0.15 + (number % 7) / 50)
        with screen.seen:
            screen.tail = b""
        start = time.perf_counter()
        with open(log, "a") as file:
            file.write(mark + "\n")
        waits.append(screen.wait_for(mark.encode()) - start)
    idle_bytes, idle_cpu = screen.bytes, processor_time(process)
    time.sleep(5)
    waits.sort()
    print(f"append to visible: p50 {statistics.median(waits) * 1e3:.0f} ms, largest {waits[-1] * 1e3:.0f} ms; "
          f"still for 5 s: {screen.bytes - idle_bytes} bytes, {processor_time(process) - idle_cpu:.2f} s")
    os.kill(process, 15)
    os.waitpid(process, 0)


if __name__ == "__main__":
    main()
