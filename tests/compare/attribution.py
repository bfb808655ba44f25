"""Why do the decisions of a dirty stream differ from those of the clean one? Each difference is taken apart into aspects
(is it there, when, about what value, which gates), and each aspect needs a cause of its own kind:

  presence  a message of this user that was lost, refused, late, under another key ..., happened before the decision;
            or clocks that carried a gap between two of its messages over a threshold; or it is a bot's
  time      the message that set the timer bears exactly that error of its clock; or something became of that message
  value     a price in the cart that is missing or clipped; or a message about the cart that never counted
  gates     hour_cap: other sends before it in that hour of that partition, recounted here; user_cap, followup and
            explored_none: an earlier decision of this user that differs, or this one's own time or key

What became of a message is not believed but replayed: watermark, lateness, duplicates by the rules of rooms/clean.h.
"""

import bisect
import collections

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
RING = 16  # event ids that a user remembers
LEVELS = ["presence", "decided", "moved", "features"]

# What a message's fate is called, the most specific first, and the name for it.
CAUSES = {
    "lost": "lost",
    "future": "clock skew",
    "fast clock": "clock skew",
    "late": "late beyond lateness",
    "reordered": "late beyond lateness",
    "slow clock": "late beyond lateness",
    "async_payment": "asynchronous payment",
    "absurd_price": "missing or clipped value",
    "no_price": "missing or clipped value",
    "no_brand": "missing or clipped value",
    "login": "guest id",
    "guest": "guest id",
    "clock_skew": "clock skew",
    "bot": "bot",
    "within lateness": None,  # not among the causes: counted by its own name
    "duplicate": None,
    "refund": None,
    "cancel": None,
}
FATES = {("late", "clock_skew"): "slow clock", ("refused", "clock_skew"): "fast clock"}
SPECIFIC = {cause: at for at, cause in enumerate(CAUSES)}


class Message:
    """One message of the shop: what it was, what was done to it, what became of it."""

    def __init__(self, user, key, event_id, kind):
        self.user, self.key, self.event_id, self.kind = user, key, event_id, kind
        self.happened_ms = self.event_ms = self.arrival_ms = None  # arrival None: never
        self.session = None
        self.done = set()  # causes on file
        self.fate = None  # ok, late, refused, disordered, lost
        self.is_twice = False

    def harm(self):
        """The most specific thing on file that can change a decision, given what became of the message, or None."""
        first = {
            "lost": ("lost", "guest"),  # what a guest cannot remove is never said
            "refused": ("future", "clock_skew"),
            "late": ("late", "reordered", "clock_skew"),
        }.get(self.fate, ())
        for cause in first:
            if cause in self.done:
                return FATES.get((self.fate, cause), cause)
        for cause in ("async_payment", "login", "guest"):
            if cause in self.done:
                return cause
        if self.fate == "disordered" and self.done & {"late", "reordered", "clock_skew"}:
            return "within lateness"
        return "duplicate" if self.is_twice and "duplicate" in self.done else None


def messages_of(clean_events, dirty_events, causes):
    """All messages by event id. Events are (partition, event) in log order; causes are the lines of --causes."""
    keys = {line["key"]: line["user_id"] for line in causes}
    found = {}

    def message(event):
        user = keys.get(event["user_id"], event["user_id"])
        return found.setdefault(event["event_id"], Message(user, event["user_id"], event["event_id"], event["type"]))

    for _, event in clean_events:
        one = message(event)
        one.happened_ms, one.session = event["event_ms"], event["session_id"]
    seen = set()
    for _, event in dirty_events:
        one = message(event)
        one.key, one.session = event["user_id"], event["session_id"]
        one.event_ms = event["event_ms"]
        seen.add(one.event_id)
    for line in causes:
        one = found.get(line["event_id"])
        if one is None:  # neither run has it: a login or a bot's view that was lost
            one = found[line["event_id"]] = Message(line["user_id"], line["key"], line["event_id"], line["type"])
        one.done.add(line["cause"])
        one.happened_ms = line["happened_ms"]
        if line["cause"] != "duplicate" and line["arrival_ms"] is not None:
            one.arrival_ms = line["arrival_ms"]
    for one in found.values():
        if one.event_id in seen:
            one.arrival_ms = one.event_ms if one.arrival_ms is None else one.arrival_ms
            one.happened_ms = one.event_ms if one.happened_ms is None else one.happened_ms
        else:
            one.fate, one.event_ms = "lost", one.happened_ms
    return found, keys


def check_causes(clean_events, messages):
    """The causes file against the two streams: whatever differs must be on file, and as it is there. Returns complaints."""
    complaints = []
    for _, event in clean_events:
        one = messages[event["event_id"]]
        if one.fate == "lost":
            is_told = one.done & {"lost", "guest"}
        elif one.event_ms != event["event_ms"]:
            is_told = one.done & {"clock_skew", "future", "async_payment"}
        elif one.key != event["user_id"]:
            is_told = "guest" in one.done
        else:
            is_told = True
        if not is_told:
            complaints.append(f"{one.event_id} of {one.user}: {event['event_ms']} under {event['user_id']} became "
                              f"{one.event_ms} under {one.key} ({one.fate}), causes {sorted(one.done)}")
    return complaints


def replay(events, messages, lateness_ms, max_skew_ms):
    """What the pipeline makes of each message: sets fate and is_twice."""
    watermark, rings, newest = {}, collections.defaultdict(lambda: collections.deque(maxlen=RING)), {}
    for partition, event in events:
        one, at_ms, key = messages[event["event_id"]], event["event_ms"], event["user_id"]
        if at_ms - max_skew_ms > one.arrival_ms:  # a second copy arrives later, but its first one was refused already
            one.fate = one.fate or "refused"
            continue
        watermark[partition] = max(watermark.get(partition, at_ms - lateness_ms), at_ms - lateness_ms)
        if one.event_id in rings[key]:
            continue
        rings[key].append(one.event_id)
        if one.fate not in (None, "refused"):
            one.is_twice = True
            continue
        is_old = at_ms < newest.get(key, at_ms)
        one.fate = "late" if at_ms < watermark[partition] else "disordered" if is_old else "ok"
        newest[key] = max(newest.get(key, at_ms), at_ms)


class Row:
    """A decision as one run took it."""

    def __init__(self, partition, order, decision):
        self.partition, self.order, self.decision = partition, order, decision

    def __getattr__(self, name):
        return self.decision[name]

    def place(self):
        return self.partition, self.decided_ms // HOUR_MS


class Pair:
    """One decision in both runs, or in one of them."""

    def __init__(self, user, clean, dirty):
        self.user, self.clean, self.dirty = user, clean, dirty
        one = clean or dirty
        self.trigger, self.attempt = one.trigger, one.attempt
        self.time_ms = max(row.decided_ms for row in (clean, dirty) if row)
        self.deadline_ms = max(row.deadline_ms for row in (clean, dirty) if row)

    def differs_in(self, *names):
        return any(self.clean.decision[name] != self.dirty.decision[name] for name in names)

    def is_rekeyed(self):
        return self.clean is not None and self.dirty is not None and self.clean.user_id != self.dirty.user_id

    def is_renamed(self):
        """Another event, time or key names it: what is drawn by its id is drawn anew."""
        return self.clean is not None and self.dirty is not None and self.differs_in("decision_id")

    def gates(self):
        """Gates that only one run closed."""
        return set(self.clean.gates) ^ set(self.dirty.gates)

    def level(self):
        """None if nothing differs that the user or a learner could see."""
        if not (self.clean and self.dirty):
            return "presence"
        if self.differs_in("sent", "action", "reason", "gates", "bucket", "would_have", "cart_value", "is_followup"):
            return "decided"
        if self.differs_in("deadline_ms", "decided_ms"):
            return "moved"
        return "features" if self.differs_in("numbers", "names", "items", "action_p", "actions") else None


def join(clean_rows, dirty_rows, keys, near_ms):
    """Pairs by (user, trigger, anchor, attempt); what is left over by the nearest deadline, within near_ms."""
    pairs, left = [], [collections.defaultdict(list), collections.defaultdict(list)]

    def name(row):
        return keys.get(row.user_id, row.user_id), row.trigger, row.anchor, row.attempt

    by_name = collections.defaultdict(list)
    for row in dirty_rows:
        by_name[name(row)].append(row)
    for row in clean_rows:
        same = by_name.get(name(row))
        if same:
            pairs.append(Pair(name(row)[0], row, same.pop(0)))
        else:
            left[0][name(row)[0], row.trigger, row.attempt].append(row)
    for rest in by_name.values():
        for row in rest:
            left[1][name(row)[0], row.trigger, row.attempt].append(row)
    for who in left[0].keys() | left[1].keys():
        clean, dirty = list(left[0][who]), list(left[1][who])
        near = sorted((abs(a.deadline_ms - b.deadline_ms), i, j) for i, a in enumerate(clean) for j, b in enumerate(dirty))
        for distance_ms, i, j in near:
            if distance_ms <= near_ms and clean[i] and dirty[j]:
                pairs.append(Pair(who[0], clean[i], dirty[j]))
                clean[i] = dirty[j] = None
        pairs += [Pair(who[0], row, None) for row in clean if row]
        pairs += [Pair(who[0], None, row) for row in dirty if row]
    return pairs


class Attribution:
    """Finds the cause of each difference. idle_ms: per trigger. share(partition, hour): of the cap."""

    def __init__(self, pairs, messages, idle_ms, share, session_gap_ms):
        self.idle_ms, self.share, self.session_gap_ms = idle_ms, share, session_gap_ms
        self.messages = collections.defaultdict(list)
        for one in messages.values():
            self.messages[one.user].append(one)
        self.pairs = collections.defaultdict(list)
        self.sends = {"clean": collections.defaultdict(list), "dirty": collections.defaultdict(list)}
        for pair in pairs:
            self.pairs[pair.user].append(pair)
            for run in self.sends:
                row = getattr(pair, run)
                if row and row.sent:
                    self.sends[run][row.place()].append((row.order, id(pair), pair))
        for run in self.sends.values():
            for sends in run.values():
                sends.sort()
        self.known = {}

    def settle(self, pairs):
        """Asks once more for what was found without a cause while that of another one was still being looked for."""
        lost, before = [pair for pair in pairs if self.cause(pair) is None], None
        while lost and len(lost) != before:
            before = len(lost)
            for pair in lost:
                del self.known[id(pair)]
            lost = [pair for pair in lost if self.cause(pair) is None]

    def cause(self, pair):
        """The name of the cause (a key of CAUSES), None if there is none that holds."""
        at = id(pair)
        if at not in self.known:
            self.known[at] = self.root(pair)  # if it is asked for on the way to itself: order or key alone
            reasons = self.reasons(pair)
            causes = list(reasons.values())
            self.known[at] = None if None in causes else causes[0] if causes else None
        return self.known[at]

    def reasons(self, pair):
        """Aspect -> cause or None, the aspect that matters most first."""
        level = pair.level()
        if level == "presence":
            return {"presence": self.presence(pair)}
        if level == "features":
            return {"features": self.features(pair)}
        found = {}
        if pair.differs_in("would_have", "cart_value"):
            found["value"] = self.value(pair)
        for gate in sorted(pair.gates()):
            found[gate] = self.gate(pair, gate)
        if pair.differs_in("is_followup"):
            found["followup"] = self.earlier(pair) or self.time_or_key(pair)
        if pair.differs_in("deadline_ms", "decided_ms"):
            found["time"] = self.time(pair)
        return found

    # ---- what became of the user's messages ----

    def moment(self, row):
        """When the user did what set the timer, by the clock of that run."""
        return row.deadline_ms - self.idle_ms[row.trigger]

    def session_of(self, pair):
        for row, clock in ((pair.clean, "happened_ms"), (pair.dirty, "event_ms")):
            for one in self.messages[pair.user]:
                if row and getattr(one, clock) == self.moment(row):
                    return one.session
        return None

    def nearest(self, pair, extra=()):
        """The cause among the user's messages before the decision: in its session the most specific, else the nearest."""
        session, moment_ms = self.session_of(pair), self.moment(pair.clean or pair.dirty)
        best = None
        for one in self.messages[pair.user]:
            harm = one.harm() or next((cause for cause in extra if cause in one.done), None)
            if harm is None or min(one.happened_ms, one.event_ms) > pair.time_ms:
                continue
            is_there = session is not None and one.session == session
            rank = (not is_there, SPECIFIC[harm] if is_there else 0, abs(one.happened_ms - moment_ms))
            if best is None or rank < best[0]:
                best = rank, harm
        return best and best[1]

    def crosses(self, pair):
        """Do wrong clocks carry a gap between messages before the decision over a threshold?"""
        thresholds = sorted(set(self.idle_ms.values()) | {self.session_gap_ms, 0})
        told = sorted((one for one in self.messages[pair.user] if one.fate == "ok" and one.happened_ms <= pair.time_ms),
                      key=lambda one: one.happened_ms)
        for left, right in zip(told, told[1:]):
            gaps = right.happened_ms - left.happened_ms, right.event_ms - left.event_ms
            is_told = "clock_skew" in left.done | right.done
            if is_told and bisect.bisect_left(thresholds, gaps[0]) != bisect.bisect_left(thresholds, gaps[1]):
                return True
        return False

    # ---- aspects ----

    def presence(self, pair):
        if any("bot" in one.done for one in self.messages[pair.user]):
            return "bot"
        if pair.attempt > 0:
            first = self.first_attempt(pair)
            if first is not None and first.level():
                return self.cause(first)
        return self.nearest(pair) or ("clock_skew" if self.crosses(pair) else None)

    def first_attempt(self, pair):
        row = pair.clean or pair.dirty
        for other in self.pairs[pair.user]:
            for one in (other.clean, other.dirty):
                if one and one.decision_id == row.decision_id and one.attempt == 0:
                    return other
        return None

    def time(self, pair):
        """The message that set the timer bears the error that the timer shows, or was not to be the one."""
        movers = [one for one in self.messages[pair.user] if one.event_ms == self.moment(pair.dirty)]
        if any(one.happened_ms == self.moment(pair.clean) and "clock_skew" in one.done for one in movers):
            return "clock_skew"
        if not pair.differs_in("deadline_ms"):  # another night's end: another zone, or held by another gate at attempt 0
            first = self.first_attempt(pair)
            return self.cause(first) if first is not None and first.level() else None
        movers += [one for one in self.messages[pair.user] if one.happened_ms == self.moment(pair.clean)]
        harms = [one.harm() or next(iter(one.done & {"refund", "cancel"}), None) for one in movers]
        harms = sorted((harm for harm in harms if harm), key=SPECIFIC.get)
        return harms[0] if harms else self.nearest(pair)

    def key(self, pair):
        """The decision stands under a guest's key, whose messages are on file."""
        told = (one for one in self.messages[pair.user] if pair.is_rekeyed() and one.key == pair.dirty.user_id)
        return "guest" if any("guest" in one.done for one in told) else None

    def time_or_key(self, pair):
        if pair.is_rekeyed():
            return self.key(pair)
        if pair.differs_in("deadline_ms"):
            return self.time(pair)
        return self.nearest(pair) if pair.differs_in("anchor") else None

    def root(self, pair):
        """Without looking at others."""
        return self.presence(pair) if pair.level() == "presence" else self.time_or_key(pair)

    def value(self, pair):
        return self.nearest(pair, ("absurd_price", "no_price"))

    def features(self, pair):
        return (self.nearest(pair, ("no_price", "absurd_price", "no_brand", "refund", "cancel")) or self.earlier(pair) or
                ("clock_skew" if any("clock_skew" in one.done for one in self.messages[pair.user]) else None))

    def earlier(self, pair):
        """The cause of the user's latest earlier decision that is not what it was."""
        others = [other for other in self.pairs[pair.user]
                  if other is not pair and other.time_ms <= pair.time_ms and
                  (other.level() in ("presence", "decided", "moved") or other.is_renamed())]
        return self.first(sorted(others, key=lambda other: -other.time_ms))

    def first(self, others):
        """The cause of the first of them that has one; a change of key alone is one too."""
        for other in others:
            found = self.cause(other) or self.key(other)
            if found:
                return found
        return None

    def gate(self, pair, gate):
        if gate == "hour_cap":
            return self.hour_cap(pair)
        if gate == "explored_none":
            if pair.gates() - {"explored_none"}:
                return self.gate(pair, sorted(pair.gates() - {"explored_none"})[0])  # nothing was drawn in one run
            return (self.time_or_key(pair) or self.earlier(pair)) if pair.differs_in("episode_id") else None
        if gate in ("user_cap", "too_many_open"):
            return self.earlier(pair) or self.time_or_key(pair)
        if gate == "control_group":
            return self.key(pair)
        if gate == "quiet_hours":
            return self.time(pair) if pair.differs_in("decided_ms") else None
        if gate == "no_offer":
            return self.value(pair)
        return self.nearest(pair) if gate == "condition_gone" else None  # nothing done to messages changes consent

    def hour_cap(self, pair):
        """Recounts both hours: the gate must say what the count says; the first send that differs has the cause."""
        before = {}
        for run in ("clean", "dirty"):
            row = getattr(pair, run)
            before[run] = [send for send in self.sends[run][row.place()] if send[0] < row.order]
            if ("hour_cap" in row.gates) != (len(before[run]) >= self.share(*row.place())):
                return None
        if pair.clean.place() != pair.dirty.place():
            return self.time_or_key(pair)
        sent = {run: {send[1] for send in before[run]} for run in before}
        others = [send for run in before for send in before[run] if send[1] in sent["clean"] ^ sent["dirty"]]
        others = [send[2] for send in sorted(others, key=lambda send: send[2].time_ms)]
        return self.first(others) or (self.time_or_key(pair) if others else None)  # or it went past them itself
