"""What happens in a run: rounds of events, all from a seed. Part of ./groups.

A round is one event of the cluster, for all groups, or one for a member of each group. Kinds of
events come from bags that hold each of them, so that ten rounds have some of all.
"""

import random

SLOTS = 10  # members of a group at most
FIRST = 8  # at the start
FEWEST = 4

# Six rounds of ten are members'.
CLUSTER_BAG = ["grow", "bounce coordinator", "kill coordinator", "other broker"]
MEMBERS_BAG = ["start", "close", "kill", "pause", "hold", "renew", "double"]
MEMBERS_SHARE = 6
DOWN = ["briefly", "until its leaders move", "until the next event is over"]


class Round:
    """cluster: the event's words; or members: kind -> (verb, slot). settle: whether all groups are to
    come to rest before the next one. delay: else, how many seconds until it."""

    def __init__(self, rng, cluster=None, members=None):
        self.cluster = cluster
        self.members = members
        self.settle = rng.random() < 0.6
        self.delay = rng.random()

    def __str__(self):
        if self.cluster:
            return " ".join(map(str, self.cluster))
        return ", ".join(f"{kind}: {verb} {slot}" for kind, (verb, slot) in self.members.items())


class Bag:
    def __init__(self, rng, things):
        self.rng = rng
        self.things = things
        self.left = []

    def draw(self):
        if not self.left:
            self.left = list(self.things)
            self.rng.shuffle(self.left)
        return self.left.pop()


class Slots:
    """Who of a group runs."""

    def __init__(self, rng):
        self.rng = rng
        self.running = set(range(FIRST))
        self.bag = Bag(rng, MEMBERS_BAG)

    def event(self):
        verb = self.bag.draw()
        if verb in ("close", "kill") and len(self.running) <= FEWEST:
            verb = "start"
        if verb == "start" and len(self.running) == SLOTS:
            verb = "close"
        if verb == "start":
            slot = self.rng.choice(sorted(set(range(SLOTS)) - self.running))
            self.running.add(slot)
        else:
            slot = self.rng.choice(sorted(self.running))
        if verb in ("close", "kill"):
            self.running.remove(slot)
        return verb, slot


def cluster_event(rng, verb):
    if verb == "grow":
        return ("grow by", rng.randint(1, 3))
    if verb == "other broker":
        verb = rng.choice(["bounce", "kill"]) + " other"
    if verb.startswith("kill"):
        return (verb, rng.choice(DOWN))
    return (verb,)


def make_plan(seed, rounds, kinds):
    rng = random.Random(seed)
    # The events of one kind do not depend on which others there are.
    slots = {kind: Slots(random.Random(f"{seed} {kind}")) for kind in kinds}
    bag = Bag(rng, ["members"] * MEMBERS_SHARE + CLUSTER_BAG)
    plan = []
    for _ in range(rounds):
        verb = bag.draw()
        if verb == "members":
            plan.append(Round(rng, members={kind: slots[kind].event() for kind in kinds}))
        else:
            plan.append(Round(rng, cluster=cluster_event(rng, verb)))
    return plan
