"""What the members of a group have told, and whether it may be. Part of ./groups.

An ownership is a partition at a member, from being assigned until being revoked. Times are ms since
1970, by the clock of the machine that all run on. A member tells that partitions are revoked before
anybody else hears of it, and a commit once it is made; so times of different members compare.
"""

import collections
import threading
import time

SLACK_MS = 5  # of clocks


def now_ms():
    return int(time.time() * 1000)


class Ownership:
    def __init__(self, member, partition, begin):
        self.member = member
        self.partition = partition
        self.begin = begin
        self.end = None  # it goes on
        self.first = self.next = None  # offsets

    def __str__(self):
        return f"{self.member.name} partition {self.partition} {self.begin} to {self.end}"

    def is_due(self):
        """From when on another may have it: None for not yet."""
        pauses = [begin for begin, end in self.member.outages
                  if (self.end or end) >= begin and end >= self.begin]
        return max(min(pauses), self.begin) if pauses else self.end


class Member:
    """One process."""

    def __init__(self, group, name):
        self.group = group
        self.name = name
        self.owned = {}
        self.outages = []  # (from, to), each long enough for the group to go on without it
        self.moves = 0
        self.ended = None
        self.fresh = collections.Counter()  # records since the last summary of them

    def wrong(self, what):
        self.group.wrong.append(f"{self.name}: {what}")

    def assigned(self, when, partitions):
        for p in partitions:
            if p in self.owned:
                self.wrong(f"{when}: partition {p} is assigned, which it has")
            self.owned[p] = Ownership(self, p, when)
            self.group.ownerships.append(self.owned[p])
        self.moved(when, "assigned", partitions)

    def revoked(self, when, partitions):
        for p in partitions:
            if p not in self.owned:
                self.wrong(f"{when}: partition {p} is revoked, which it does not have")
            else:
                self.owned.pop(p).end = when
        self.moved(when, "revoked", partitions)

    def moved(self, when, what, partitions):
        if partitions:
            self.moves += 1
            self.group.last_move = now_ms()
            self.group.moves.append(f"{when} {self.name} {what} {sorted(partitions)}")

    def read(self, partition, offset, value):
        own = self.owned.get(partition)
        if not own:
            self.wrong(f"read {partition}@{offset} without having the partition")
        else:
            if own.next is None:
                own.first = offset
            elif offset != own.next:
                self.wrong(f"read {partition}@{offset} after {partition}@{own.next - 1}")
            own.next = offset + 1
            self.fresh[partition] += 1
        known = self.group.values.setdefault((partition, offset), value)
        if known != value:
            self.wrong(f"read {value} at {partition}@{offset}, another one {known}")

    def summed_up(self, partition, count, first, last):
        own = self.owned.get(partition)
        if own and (own.next != last + 1 or count != self.fresh[partition] or count != last - first + 1):
            self.wrong(f"tells {count} records {partition}@{first} to {last}, read "
                       f"{self.fresh[partition]} until {own.next - 1 if own.next else None}")
        self.fresh[partition] = 0

    def committed(self, when, partition, offset, error):
        own = self.owned.get(partition)
        if error:
            self.group.refused.append(f"{when} {self.name} {partition}@{offset}: {error}")
            return
        if not own or own.next is None or offset > own.next:
            self.wrong(f"{when}: committed {partition}@{offset}, which it has not read")
        if own:
            self.group.commits[partition].append((when, offset, own))

    def end(self, when):
        self.ended = when
        for own in self.owned.values():
            own.end = when
        self.owned = {}


class Group:
    def __init__(self):
        self.news = threading.Condition()
        self.members = []
        self.ownerships = []
        self.values = {}  # (partition, offset) -> value
        self.commits = collections.defaultdict(list)  # partition -> [(when, offset, ownership)]
        self.refused = []
        self.moves = []
        self.last_move = 0
        self.wrong = []

    # ---- verdicts: lists of what is wrong ----

    def shared(self):
        """Assigned to one while another had it."""
        found = []
        by_partition = collections.defaultdict(list)
        for own in self.ownerships:
            by_partition[own.partition].append(own)
        for owns in by_partition.values():
            owns.sort(key=lambda own: own.begin)
            for i, own in enumerate(owns):
                for before in owns[:i]:
                    due = before.is_due()
                    if before.member is not own.member and (
                            due is None or own.begin + SLACK_MS < due):
                        found.append(f"{own} while {before}")
        return found

    def before(self, own):
        """What had been committed when it began: told by then, which may be late, since who is paused
        tells it afterwards."""
        return max([offset for when, offset, _ in self.commits[own.partition] if when < own.begin],
                   default=0)

    def read_again(self):
        """Begun before what was committed by then."""
        return [f"{own}: begun at {own.first}, committed was {self.before(own)}"
                for own in self.ownerships
                if own.first is not None and own.first < self.before(own)]

    def went_back(self):
        """Commits of less than was committed when the ownership began, or by it since."""
        found = []
        for p, commits in self.commits.items():
            least = {own: self.before(own) for _, _, own in commits}
            for when, offset, own in commits:
                if offset < least[own]:
                    found.append(f"{when} {own.member.name} {p}@{offset}, {least[own]} was committed")
                least[own] = max(least[own], offset)
        return found

    def unread(self, written):
        """written: (partition, offset) -> value"""
        return [f"{p}@{offset} ({value}): {self.values.get((p, offset), 'read by nobody')}"
                for (p, offset), value in sorted(written.items())
                if self.values.get((p, offset)) != value]

    def ahead(self, committed):
        """committed: partition -> offset. All before it must have been read."""
        return [f"partition {p}: {offset} is committed, {at} was read by nobody"
                for p, offset in committed.items()
                for at in [next((o for o in range(offset) if (p, o) not in self.values), None)]
                if at is not None]

    # ---- whether it has come to rest ----

    def unsettled(self, members, partitions):
        """members: those that run. None: each partition has one of them, and none has more than its
        share."""
        owned = sorted(p for member in members for p in member.owned)
        if owned != list(range(partitions)):
            counts = collections.Counter(owned)
            missing = [p for p in range(partitions) if not counts[p]]
            return f"without a member: {missing}, with more: {[p for p in counts if counts[p] > 1]}"
        sizes = sorted(len(member.owned) for member in members)
        if sizes[-1] - sizes[0] > 1:
            return f"shares of {sizes[0]} to {sizes[-1]} partitions"
        return None
