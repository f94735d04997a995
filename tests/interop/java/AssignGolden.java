/*
 * What Java's assignors make of random groups, for tests/unit/membership/golden.txt:
 *
 *     java @$KFK_KAFKA_ARGS AssignGolden.java SEED CASES [MEMBERS TOPICS PARTITIONS] > golden.txt
 *
 *     case NAME =                                   an assignor; =: there is one right answer
 *     case NAME ~                                   Java's follows the order of a hash map
 *     t TOPIC PARTITIONS RACKS                      RACKS of each partition: a,b/a/-
 *     m ID INSTANCE RACK GENERATION TOPICS OWNED ANSWER
 *     u NAME GENERATION OWNED HEX                   the user data of a member that owns this
 *
 * The first line repeats the arguments, from which all the rest follows. OWNED and ANSWER are like
 * pa:0,1/pb:3; in any place - stands for none.
 *
 * Java walks over members in the order of a HashMap. Ids that are "aligned" are chosen so that this
 * is also their own order, and then the answer to expect is a single one for more groups.
 */
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Assignment;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.clients.consumer.StickyAssignor;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

public class AssignGolden {
    private static final String[] NAMES = {"range", "roundrobin", "sticky", "cooperative-sticky"};

    private static class Member {
        String id;
        String instance;
        String rack;
        int generation = -1;
        TreeSet<String> topics = new TreeSet<>();
        List<TopicPartition> owned = new ArrayList<>();
        List<TopicPartition> answer;
    }

    /** A topic's partitions: the racks of each one's replicas. */
    private final TreeMap<String, List<TreeSet<String>>> topics = new TreeMap<>();
    private List<Member> members = new ArrayList<>();
    private final Random random;
    private final int[] most;
    private final int racks;
    private final boolean alike;
    private final boolean aligned;
    private final String name;

    AssignGolden(Random random, int[] most, String name) {
        this.random = random;
        this.most = most;
        this.name = name;
        this.racks = random.nextInt(3) == 0 ? 1 + random.nextInt(4) : 0;
        this.alike = random.nextInt(3) != 0;
        this.aligned = random.nextInt(3) != 0;
    }

    private int upTo(int n) {
        return 1 + random.nextInt(n);
    }

    private String rack() {
        return racks == 0 || random.nextInt(8) == 0 ? null : "" + (char) ('a' + random.nextInt(racks));
    }

    // ---- the group ----

    private void addPartition(String topic) {
        TreeSet<String> of = new TreeSet<>();
        for (int i = racks == 0 ? 0 : upTo(2); i > 0; i--) {
            String rack = rack();
            if (rack != null)
                of.add(rack);
        }
        topics.computeIfAbsent(topic, t -> new ArrayList<>()).add(of);
    }

    private void makeTopics() {
        int n = upTo(most[1]);
        int same = random.nextInt(3) == 0 ? upTo(most[2]) : 0;
        for (int i = 0; i < n; i++)
            for (int p = same > 0 ? same : upTo(most[2]); p > 0; p--)
                addPartition("p" + (char) ('a' + i));
    }

    private void subscribe(Member m) {
        if (alike) {
            m.topics.addAll(topics.keySet());
            return;
        }
        m.topics.clear();
        for (String topic : topics.keySet())
            if (random.nextInt(5) < 3)
                m.topics.add(topic);
        if (random.nextInt(20) == 0)
            m.topics.add("gone");
        if (m.topics.isEmpty())
            m.topics.add(topics.firstKey());
    }

    private Member newMember() {
        Member m = new Member();
        m.rack = rack();
        subscribe(m);
        return m;
    }

    private static int bucket(String id, int capacity) {
        int h = id.hashCode();
        return (h ^ (h >>> 16)) & (capacity - 1);
    }

    /** An id that comes at place i of the n of a HashMap, and in their own order. */
    private static String alignedId(int i, int n) {
        int capacity = 16;
        while (n > capacity * 3 / 4)
            capacity *= 2;
        for (int k = 0; ; k++) {
            String id = String.format("m%02d%s", i, Integer.toString(k, 36));
            if (bucket(id, capacity) == i)
                return id;
        }
    }

    /** Names the members, the newest ones anywhere among them. */
    private void nameMembers() {
        Collections.shuffle(members, random);
        for (int i = 0; i < members.size(); i++) {
            Member m = members.get(i);
            m.id = aligned ? alignedId(i, members.size()) : String.format("c%06x%d", random.nextInt(1 << 24), i);
            m.instance = random.nextInt(4) == 0 ? "i" + (char) ('a' + random.nextInt(26)) + i : null;
        }
    }

    // ---- what Java says ----

    private static ConsumerPartitionAssignor assignor(String name) {
        switch (name) {
            case "range":
                return new RangeAssignor();
            case "roundrobin":
                return new RoundRobinAssignor();
            case "sticky":
                return new StickyAssignor();
            default:
                return new CooperativeStickyAssignor();
        }
    }

    @SuppressWarnings("removal")
    private static ByteBuffer userData(String name, List<TopicPartition> owned, int generation) {
        ConsumerPartitionAssignor a = assignor(name);
        if (generation >= 0)
            a.onAssignment(new Assignment(owned), new ConsumerGroupMetadata("g", generation, "m", Optional.empty()));
        return a.subscriptionUserData(Set.of());
    }

    private Subscription subscription(Member m) {
        Subscription s = new Subscription(new ArrayList<>(m.topics), userData(name, m.owned, m.generation),
            m.owned, m.generation, Optional.ofNullable(m.rack));
        s.setGroupInstanceId(Optional.ofNullable(m.instance));
        return s;
    }

    private Cluster cluster() {
        Map<String, Node> nodes = new HashMap<>();
        nodes.put("", new Node(0, "h", 1));
        List<PartitionInfo> all = new ArrayList<>();
        topics.forEach((topic, partitions) -> {
            for (int p = 0; p < partitions.size(); p++) {
                Node[] replicas = partitions.get(p).stream()
                    .map(r -> nodes.computeIfAbsent(r, k -> new Node(nodes.size(), "h", 1, k))).toArray(Node[]::new);
                if (replicas.length == 0)
                    replicas = new Node[] {nodes.get("")};
                all.add(new PartitionInfo(topic, p, replicas[0], replicas, replicas));
            }
        });
        return new Cluster("c", nodes.values(), all, Set.of(), Set.of());
    }

    private void ask() {
        Map<String, Subscription> subscriptions = new HashMap<>();
        members.forEach(m -> subscriptions.put(m.id, subscription(m)));
        Map<String, Assignment> answer =
            assignor(name).assign(cluster(), new GroupSubscription(subscriptions)).groupAssignment();
        members.forEach(m -> m.answer = answer.get(m.id).partitions());
    }

    // ---- what was before ----

    /** Everybody has what an earlier rebalance gave; then somebody comes or goes, or topics grow. */
    private void rebalanced() {
        nameMembers();
        ask();
        for (Member m : members) {
            m.owned = new ArrayList<>(m.answer);
            m.owned.sort(Comparator.comparing(TopicPartition::topic).thenComparing(TopicPartition::partition));
            m.generation = 5;
        }
        int what = random.nextInt(6);
        if (what < 3 && members.size() > 1)
            members = new ArrayList<>(members.subList(random.nextInt(Math.min(3, members.size())), members.size()));
        if (what > 1)
            for (int i = random.nextInt(3); i > 0; i--)
                members.add(newMember());
        if (what == 4)
            for (String topic : topics.keySet())
                for (int i = random.nextInt(3); i > 0; i--)
                    addPartition(topic);
        if (what == 5 && !alike)
            members.forEach(m -> {
                if (random.nextInt(3) == 0)
                    subscribe(m);
            });
    }

    /** Any partition is anybody's who reads its topic. */
    private void claimed(int perPartition) {
        for (Member m : members)
            m.generation = perPartition == 1 ? 5 : 4 + random.nextInt(2);
        topics.forEach((topic, partitions) -> {
            for (int p = 0; p < partitions.size(); p++) {
                TopicPartition tp = new TopicPartition(topic, p);
                for (int i = 0; i < perPartition; i++) {
                    Member m = members.get(random.nextInt(members.size()));
                    if (random.nextInt(5) != 0 && m.topics.contains(topic) && !m.owned.contains(tp))
                        m.owned.add(tp);
                }
            }
        });
    }

    private boolean sticky() {
        return name.endsWith("sticky");
    }

    /**
     * Whether somebody owned something. What two claim is left out where Java's cooperative assignor gives it to one of
     * them at once, while the other still has it: ours does not.
     */
    private boolean before() {
        int how = sticky() ? random.nextInt(6) : 0;
        if (how == 1 || how == 2)
            rebalanced();
        else if (how > 2)
            claimed(how == 5 && (alike || name.equals("sticky")) ? 2 : 1);
        return how > 0;
    }

    // ---- all of it ----

    private static String tps(List<TopicPartition> tps) {
        TreeMap<String, TreeSet<Integer>> by = new TreeMap<>();
        for (TopicPartition tp : tps)
            by.computeIfAbsent(tp.topic(), t -> new TreeSet<>()).add(tp.partition());
        List<String> parts = new ArrayList<>();
        by.forEach((t, ps) -> parts.add(t + ":" + ps.toString().replaceAll("[\\[\\] ]", "")));
        return parts.isEmpty() ? "-" : String.join("/", parts);
    }

    private static String text(String s) {
        return s == null ? "-" : s;
    }

    private String racksOf(List<TreeSet<String>> partitions) {
        if (racks == 0)
            return "-";
        List<String> all = new ArrayList<>();
        partitions.forEach(p -> all.add(p.isEmpty() ? "-" : String.join(",", p)));
        return String.join("/", all);
    }

    private void print(StringBuilder out, boolean before) {
        boolean one = !before || alike && aligned;
        out.append("case ").append(name).append(one ? " =\n" : " ~\n");
        topics.forEach((t, ps) ->
            out.append("t " + t + " " + ps.size() + " " + racksOf(ps) + "\n"));
        for (Member m : members)
            out.append(String.join(" ", "m", m.id, text(m.instance), text(m.rack), "" + m.generation,
                String.join(",", m.topics), tps(m.owned), tps(m.answer)) + "\n");
    }

    private void run(StringBuilder out) {
        makeTopics();
        for (int i = upTo(most[0]); i > 0; i--)
            members.add(newMember());
        boolean before = before();
        nameMembers();
        ask();
        print(out, before);
        if (sticky()) {
            Member m = members.get(0);
            ByteBuffer data = userData(name, m.owned, m.generation);
            out.append("u " + name + " " + m.generation + " " + tps(m.owned) + " "
                + (data == null ? "-" : HexFormat.of().formatHex(data.array())) + "\n");
        }
    }

    public static void main(String[] args) {
        Random random = new Random(Long.parseLong(args[0]));
        int[] most = {8, 4, 9};
        for (int i = 0; i < most.length && i + 2 < args.length; i++)
            most[i] = Integer.parseInt(args[i + 2]);
        StringBuilder out = new StringBuilder("# " + String.join(" ", args) + "\n");
        for (int i = Integer.parseInt(args[1]); i > 0; i--)
            new AssignGolden(random, most, NAMES[i % NAMES.length]).run(out);
        System.out.print(out);
    }
}
