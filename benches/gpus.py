#!/usr/bin/env python3
"""What it costs to watch the GPUs of many hosts: CPU of the workbench and of the agents, bytes over each channel and
to the terminal.

    benches/gpus.py target/release/semihv [--hosts 20] [--gpus 8] [--seconds 60]

No GPU and no network: every host is an agent on this machine behind `sh -c`, whose nvidia-smi is
tests/parts/fake-nvidia-smi (its own cost is not counted, a real one's was not measured). Power and temperature of all
GPUs change with every sample, so that most figures are sent each time.
"""
import argparse, os, pty, select, signal, struct, subprocess, sys, tempfile, time
import fcntl, termios

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def cpu(pid):
    """Seconds of CPU of a process, without its children."""
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sent(pid):
    with open("/proc/%d/io" % pid) as file:
        return int(next(line for line in file if line.startswith("wchar")).split()[1])


def agents(program):
    """Processes of this program whose verb is agent."""
    for name in os.listdir("/proc"):
        try:
            words = open("/proc/%s/cmdline" % name, "rb").read().split(b"\0")
        except (OSError, NotADirectoryError):
            continue
        if len(words) > 1 and words[0] == program.encode() and words[1] == b"agent":
            yield int(name)


def drain(terminal, seconds):
    """Reads what is drawn for so long; how many bytes."""
    total, until = 0, time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                total += len(os.read(terminal, 1 << 16))
            except OSError:  # Its program has ended.
                break
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    program = os.path.abspath(asked.program)
    with tempfile.TemporaryDirectory() as home:
        os.makedirs(home + "/bin")
        os.makedirs(home + "/.config/semihv")
        os.symlink(HERE + "/tests/parts/fake-nvidia-smi", home + "/bin/nvidia-smi")
        with open(home + "/agent", "w") as file:
            file.write("#!/bin/sh\nPATH='%s/bin':\"$PATH\" FAKE_SMI_GPUS=%d exec '%s' agent\n"
                       % (home, asked.gpus, program))
        os.chmod(home + "/agent", 0o755)
        with open(home + "/.config/semihv/config.toml", "w") as file:
            for host in range(asked.hosts):
                file.write("[host.h%02d]\ncommand = [\"sh\", \"-c\"]\nprogram = \"%s/agent\"\n" % (host, home))
        environment = dict(os.environ, HOME=home, TERM="xterm-256color", LANG="C.UTF-8")
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "TMUX", "SSH_CONNECTION"):
            environment.pop(name, None)
        subprocess.run([program, "init", home + "/ws"], env=environment, check=True, stdout=subprocess.DEVNULL,
                       stdin=subprocess.DEVNULL)
        before = set(agents(program))
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(program, [program, home + "/ws"], environment)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 48, 160, 0, 0))
        try:
            measure(pid, terminal, (program, before), asked)
        finally:
            os.kill(pid, signal.SIGTERM)
            drain(terminal, 0.5)
            os.waitpid(pid, 0)


def measure(pid, terminal, program, asked):
    drain(terminal, 3)
    idle = cpu(pid)
    drain(terminal, 10)
    idle = (cpu(pid) - idle) / 10
    os.write(terminal, b"4")
    until = time.monotonic() + 120
    there = []
    while len(there) < asked.hosts and time.monotonic() < until:
        drain(terminal, 1)
        there = [agent for agent in agents(program[0]) if agent not in program[1]]
    if len(there) < asked.hosts:
        sys.exit("only %d of %d agents came up" % (len(there), asked.hosts))
    drain(terminal, 15)
    begun, first = time.monotonic(), (cpu(pid), [cpu(agent) for agent in there], [sent(agent) for agent in there])
    drawn = drain(terminal, asked.seconds)
    took = time.monotonic() - begun
    workbench = (cpu(pid) - first[0]) / took
    each = [(cpu(agent) - before) / took for agent, before in zip(there, first[1])]
    channels = [(sent(agent) - before) / took for agent, before in zip(there, first[2])]
    print("%d hosts, %d GPUs each, %.0f s" % (len(there), asked.gpus, took))
    print("workbench, pane out of sight  %6.2f %% of a core" % (100 * idle))
    print("workbench, pane in sight      %6.2f %% of a core" % (100 * workbench))
    print("an agent                      %6.2f %% of a core (most %.2f)" % (100 * sum(each) / len(each), 100 * max(each)))
    print("from a host                   %6.0f bytes/s (most %.0f)" % (sum(channels) / len(channels), max(channels)))
    print("to the terminal               %6.0f bytes/s" % (drawn / took))


main()
