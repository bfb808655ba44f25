"""What is done to workers, brokers and the network between them, one function per kind of fault.

Moments are amounts of progress, so that a slow machine is disturbed as often as a fast one; only what has to outlast a
time-out is told in seconds. Each function does its worst, puts right what it broke (but not the harm done), and says what
that was. Its draws come from the stage's rng."""

import random
import signal
import time

import workers as processes

SESSION_S = 6


class Stage:
    """What a fault may touch, and how it knows that there is still something to disturb."""

    def __init__(self, workers, names, brokers, progress, rng, rows, is_over):
        self.workers, self.names, self.brokers, self.progress = workers, list(names), brokers, progress
        self.rng, self.rows, self.is_over = rng, rows, is_over
        self.gone = []  # who will not come back

    def serve(self, name, *options, out=None):
        seen = self.brokers.seen.get(name)
        through = ("--brokers", seen) if seen else ()
        return self.workers.serve(name, *through, *options, out=out)

    def work(self, share):
        """Until so much of the whole work is done, as far as there is some."""
        self.progress.wait(max(1, int(share * self.rows)), self.supervised_is_over)

    def supervised_is_over(self):
        self.workers.supervise()
        return self.is_over()

    def last(self, seconds):
        """So long, with a supervisor."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.workers.supervise()
            time.sleep(0.05)

    def one(self):
        return self.rng.choice(self.names)

    def again(self, name):
        self.serve(name, *[option for option in self.workers.ends_when[name] if option == "--leave"])


# ---- workers ----

def kill(stage):
    """SIGKILL, and a supervisor that starts it again."""
    name, pause_s = stage.one(), stage.rng.choice([0, 0.1, 0.5, 2])
    stage.workers.signal(name, signal.SIGKILL)
    time.sleep(pause_s)
    stage.again(name)
    return f"kill {name}"


def kill_all(stage):
    """As when the machine goes down: all at once."""
    for name in stage.names:
        stage.workers.running[name].kill()
    for name in stage.names:
        stage.workers.signal(name, signal.SIGKILL)
    for name in stage.names:
        stage.again(name)
    return "kill all"


def death(stage):
    """SIGKILL of one that never comes back: its partitions go to the others."""
    if len(stage.names) < 2:
        return kill(stage)
    name = stage.one()
    stage.names.remove(name)
    stage.gone.append(name)
    stage.workers.signal(name, signal.SIGKILL)
    stage.last(SESSION_S + stage.rng.random())
    return f"death of {name}"


def zombie(stage):
    """SIGSTOP past its session and maybe past its transaction, then SIGCONT."""
    name = stage.one()
    process, frozen_s = stage.workers.running[name], stage.rng.choice([1, SESSION_S - 0.5, SESSION_S + 1.5, 12])
    process.send_signal(signal.SIGSTOP)
    stage.last(frozen_s + stage.rng.random())
    process.send_signal(signal.SIGCONT)
    return f"zombie {name} {frozen_s} s"


def twin(stage):
    """It hangs, is started a second time under its name, and then wakes up: the older one must end as fenced."""
    name = stage.one()
    old = stage.workers.running.pop(name)
    old.send_signal(signal.SIGSTOP)
    stage.again(name)
    stage.last(stage.rng.choice([0.3, 2, SESSION_S + 1]))
    old.send_signal(signal.SIGCONT)
    # Which of them the group takes for the older one depends on who spoke last; one must go, one must stay.
    until = time.monotonic() + 60
    while old.poll() is None and stage.workers.running[name].poll() is None:
        if time.monotonic() > until:
            raise SystemExit(f"twins of {name} live on side by side")
        time.sleep(0.02)
    if stage.workers.running[name].poll() is not None:
        old, stage.workers.running[name] = stage.workers.running[name], old
    if old.returncode != processes.FENCED:
        raise SystemExit(f"a twin of {name} ended with {old.returncode}, expected {processes.FENCED}")
    return f"twin of {name}"


def leave(stage):
    """SIGTERM: with --leave it hands over, without it it keeps its place; then it is started again."""
    name = stage.one()
    code = stage.workers.signal(name, signal.SIGTERM)
    if code not in stage.workers.good_ends(name):
        raise SystemExit(f"worker {name} ended with {code} after SIGTERM; see {stage.workers.log(name)}")
    if len(stage.names) > 1:
        stage.work(stage.rng.random() * 0.1)
    stage.again(name)
    return f"leave {name}"


def join(stage):
    """One more worker, while there is room."""
    rest = [name for name in "abcd" if name not in stage.names + stage.gone]
    if not rest:
        return leave(stage)
    stage.names.append(rest[0])
    stage.serve(rest[0], "--leave")
    return f"join {rest[0]}"


def disk(stage):
    """The disk is full: log and maybe console go to /dev/full."""
    name, console = stage.one(), stage.rng.choice([[], ["--console"]])
    stage.workers.signal(name, signal.SIGKILL)
    options = [option for option in stage.workers.ends_when[name] if option == "--leave"]
    stage.serve(name, *options, *console, out="/dev/full")
    return f"full disk of {name} {''.join(console)}"


# ---- the one broker ----

def broker(stage):
    """SIGKILL and a restart on the same log; workers may be killed meanwhile."""
    stage.brokers.kill()
    what = ""
    if stage.rng.random() < 0.3:
        name = stage.one()
        stage.workers.signal(name, signal.SIGKILL)
        stage.again(name)
        what = f", kill {name} meanwhile"
    return f"broker away {stage.brokers.start():.0f} s{what}"


def slow_broker(stage):
    """SIGSTOP of the JVM, below and above session and transaction time-outs."""
    frozen_s = stage.rng.choice([0.5, 2, SESSION_S + 1, 10])
    stage.brokers.freeze()
    time.sleep(frozen_s)
    stage.brokers.thaw()
    return f"broker frozen {frozen_s} s"


# ---- three brokers ----

def leader(stage):
    """SIGKILL of a leader; it comes back, and then leaders return to it by preferred election."""
    topic = stage.rng.choice(["user-state", "journal", "promotion-decisions", "partition-state"])
    node = stage.brokers.leader(stage.workers.prefix + topic, stage.rng.randrange(processes.PARTITIONS))
    node = node if node > 0 else stage.rng.randint(1, 3)
    stage.brokers.kill(node)
    stage.work(0.1 * stage.rng.random())
    stage.brokers.start(node)
    stage.work(0.05 * stage.rng.random())
    return f"leader {node} of {topic}, {stage.brokers.elect_preferred()}"


def slow_node(stage):
    node, frozen_s = stage.rng.randint(1, 3), stage.rng.choice([1, 4, SESSION_S + 2])
    stage.brokers.freeze(node)
    stage.last(frozen_s)
    stage.brokers.thaw(node)
    return f"node {node} frozen {frozen_s} s"


# ---- the network ----

def through_proxies(stage):
    """One worker's way to the broker, or everybody's."""
    names = stage.names if stage.rng.random() < 0.25 else [stage.one()]
    return names, [stage.brokers.proxies[name] for name in names]


def on_the_network(stage, what, hurt, seconds):
    names, proxies = through_proxies(stage)
    for proxy in proxies:
        hurt(proxy)
    stage.last(seconds)
    for proxy in proxies:
        proxy.heal()
    return f"{what} {''.join(names)} {seconds} s"


def cut(stage):
    """Connections are reset and refused."""
    return on_the_network(stage, "cut", lambda proxy: proxy.cut(), stage.rng.choice([0.2, 1, 4, SESSION_S + 3]))


def half_open(stage):
    """Nothing comes through, and nobody says so."""
    return on_the_network(stage, "black hole", lambda proxy: proxy.black_hole(), stage.rng.choice([1, 4, SESSION_S + 3, 12]))


def deaf(stage):
    """Requests are carried out, answers get lost."""
    return on_the_network(stage, "deaf", lambda proxy: proxy.deaf(), stage.rng.choice([0.5, 2, SESSION_S + 3]))


def delay(stage):
    delay_s = stage.rng.choice([0.02, 0.1, 0.4])
    return on_the_network(stage, f"delay {delay_s} s of", lambda proxy: proxy.late(delay_s), stage.rng.choice([2, 5]))


def narrow(stage):
    bytes_per_s = stage.rng.choice([20000, 100000])
    return on_the_network(stage, f"{bytes_per_s} B/s of", lambda proxy: proxy.slow(bytes_per_s), stage.rng.choice([2, 5]))


OF_WORKERS = [kill, kill_all, death, zombie, twin, leave, join, disk]
OF_ONE_BROKER = [broker, slow_broker]
OF_THREE_BROKERS = [leader, slow_node]
OF_THE_NETWORK = [cut, half_open, deaf, delay, narrow]
QUICK = [kill, leave, join, kill_all]  # what may come on top
KINDS = {function.__name__.replace("_", "-"): function
         for function in OF_WORKERS + OF_ONE_BROKER + OF_THREE_BROKERS + OF_THE_NETWORK}


def name_of(function):
    return function.__name__.replace("_", "-")


def disturb(stage, kind, times, account):
    """The kind of the round, so many times, and between them some of the quick ones; until nothing is left to disturb. What
    was done goes into the account: "done" its kinds, "told" its details."""
    for number in range(times):
        stage.work(stage.rng.random() * 0.5 / times)
        if stage.supervised_is_over() and number > 0:
            break
        function = KINDS[kind]
        if number > 0 and stage.rng.random() < 0.4:
            function = stage.rng.choice(QUICK)
        account["done"].append(name_of(function))
        account["told"].append(function(stage))


def seeded(seed):
    return random.Random(seed)
