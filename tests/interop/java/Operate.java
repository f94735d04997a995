/* Does what commands on stdin say to a cluster, with Kafka's own AdminClient; ../README.md has
 * them.
 *
 *   java @$KFK_KAFKA_ARGS Operate.java BOOTSTRAP < commands */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.protocol.Errors;

public class Operate {
    private static final long TIMEOUT_MS = 60_000;
    private static Admin admin;

    public static void main(String[] args) throws Exception {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        properties.put("retry.backoff.ms", "20");
        var in = new BufferedReader(new InputStreamReader(System.in));
        try (var client = Admin.create(properties)) {
            admin = client;
            for (String line; (line = in.readLine()) != null; System.out.flush())
                System.out.println("done " + tryCommand(line.split(" ")));
        }
    }

    private static String tryCommand(String[] words) throws Exception {
        try {
            command(words);
            return words[0];
        } catch (ExecutionException e) {
            return words[0] + " " + nameOf(e) + " " + e.getCause().getMessage();
        }
    }

    private static void command(String[] words) throws Exception {
        switch (words[0]) {
            case "create" -> create(words);
            case "delete" -> admin.deleteTopics(List.of(words[1])).all().get();
            case "grow" -> admin.createPartitions(Map.of(words[1],
                NewPartitions.increaseTo(Integer.parseInt(words[2])))).all().get();
            case "elect" -> admin.electLeaders(ElectionType.PREFERRED,
                Set.of(new Place(words[1]).partition)).all().get();
            case "move" -> move(new Place(words[1]).partition, numbers(words[2]));
            case "replicas" -> replicas(new Place(words[1]).partition);
            case "behind" -> behind(Arrays.asList(words).subList(1, words.length));
            case "trim" -> trim(new Place(words[1]));
            case "offsets" -> offsets(places(words, 1));
            case "commit" -> commit(words[1], places(words, 2));
            case "committed" -> committed(words[1]);
            case "group" -> group(words[1]);
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    private static String nameOf(ExecutionException e) {
        return Errors.forException(e.getCause()).name();
    }

    // ---- places: TOPIC:PARTITION[@OFFSET][/EPOCH][=METADATA] ----

    private static class Place {
        final TopicPartition partition;
        final String offset;
        final Optional<Integer> epoch;
        final String metadata;

        Place(String word) {
            String[] halves = word.split("=", 2);
            String[] parts = halves[0].split("[:@/]");
            partition = new TopicPartition(parts[0], Integer.parseInt(parts[1]));
            offset = parts.length > 2 ? parts[2] : "";
            epoch = parts.length > 3 ? Optional.of(Integer.valueOf(parts[3])) : Optional.empty();
            metadata = halves.length > 1 ? halves[1] : "";
        }

        OffsetSpec spec() {
            return switch (offset) {
                case "earliest" -> OffsetSpec.earliest();
                case "latest" -> OffsetSpec.latest();
                case "max-timestamp" -> OffsetSpec.maxTimestamp();
                case "earliest-local" -> OffsetSpec.earliestLocal();
                case "latest-tiered" -> OffsetSpec.latestTiered();
                case "earliest-pending-upload" -> OffsetSpec.earliestPendingUpload();
                default -> OffsetSpec.forTimestamp(Long.parseLong(offset.substring(1)));
            };
        }
    }

    private static List<Place> places(String[] words, int from) {
        return Arrays.stream(words).skip(from).map(Place::new).toList();
    }

    private static List<Integer> numbers(String text) {
        return Arrays.stream(text.split(":")).map(Integer::valueOf).toList();
    }

    private static void print(TopicPartition p, Object offset, Optional<Integer> epoch,
                              String metadata) {
        System.out.println("place " + p.topic() + ":" + p.partition() + "@" + offset + "/"
            + epoch.orElse(-1) + (metadata.isEmpty() ? "" : "=" + metadata));
    }

    // ---- topics ----

    private static void create(String[] words) throws Exception {
        Map<Integer, List<Integer>> assignment = new HashMap<>();
        for (String replicas : words[2].split(","))
            assignment.put(assignment.size(), numbers(replicas));
        Map<String, String> configs = new HashMap<>();
        for (int i = 3; i < words.length; i++)
            configs.put(words[i].split("=", 2)[0], words[i].split("=", 2)[1]);
        NewTopic topic = new NewTopic(words[1], assignment).configs(configs);
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (true) {
            try {
                admin.createTopics(List.of(topic)).all().get();
                break;
            } catch (ExecutionException e) { // one that was deleted may take a while to go
                if (!(e.getCause() instanceof TopicExistsException)
                    || System.currentTimeMillis() > deadline)
                    throw e;
                Thread.sleep(50);
            }
        }
    }

    private static TopicPartitionInfo describe(TopicPartition p) throws Exception {
        return admin.describeTopics(List.of(p.topic())).allTopicNames().get().get(p.topic())
            .partitions().get(p.partition());
    }

    /* "replicas LEADER ALL IN-SYNC" */
    private static void replicas(TopicPartition p) throws Exception {
        TopicPartitionInfo info = describe(p);
        System.out.println("replicas " + (info.leader() == null ? -1 : info.leader().id())
            + " " + ids(info.replicas()) + " " + ids(info.isr()));
    }

    /* "behind N": of how many partitions of the topics not all replicas are in sync. */
    private static void behind(List<String> topics) throws Exception {
        System.out.println("behind " + admin.describeTopics(topics).allTopicNames().get().values()
            .stream().flatMap(topic -> topic.partitions().stream())
            .filter(info -> info.isr().size() < info.replicas().size()).count());
    }

    private static String ids(List<Node> nodes) {
        return String.join(":", nodes.stream().map(Node::id).sorted(Comparator.naturalOrder())
            .map(String::valueOf).toList());
    }

    /* Until it has moved. */
    private static void move(TopicPartition p, List<Integer> replicas) throws Exception {
        admin.alterPartitionReassignments(
            Map.of(p, Optional.of(new NewPartitionReassignment(replicas)))).all().get();
        while (!admin.listPartitionReassignments(Set.of(p)).reassignments().get().isEmpty())
            Thread.sleep(50);
    }

    /* Deletes the records before. */
    private static void trim(Place place) throws Exception {
        admin.deleteRecords(Map.of(place.partition,
            RecordsToDelete.beforeOffset(Long.parseLong(place.offset)))).all().get();
    }

    // ---- offsets ----

    private static void offsets(List<Place> places) throws Exception {
        for (Place place : places) {
            var p = place.partition;
            try {
                var found = admin.listOffsets(Map.of(p, place.spec())).partitionResult(p).get();
                print(p, found.offset(), found.leaderEpoch(), "");
            } catch (ExecutionException e) {
                System.out.println("place " + p.topic() + ":" + p.partition() + "@" + nameOf(e));
            }
        }
    }

    private static void commit(String group, List<Place> places) throws Exception {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        for (Place place : places)
            offsets.put(place.partition, new OffsetAndMetadata(Long.parseLong(place.offset),
                                                               place.epoch, place.metadata));
        admin.alterConsumerGroupOffsets(group, offsets).all().get();
    }

    private static void committed(String group) throws Exception {
        List<TopicPartition> partitions = new ArrayList<>();
        var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
        var sorted = new TreeMap<String, TopicPartition>();
        offsets.keySet().forEach(p -> sorted.put(p.toString(), p));
        partitions.addAll(sorted.values());
        for (TopicPartition p : partitions)
            print(p, offsets.get(p).offset(), offsets.get(p).leaderEpoch(),
                  offsets.get(p).metadata());
    }

    // ---- groups ----

    /* "group STATE", and for each member "member PLACE ...". */
    private static void group(String name) throws Exception {
        var seen = admin.describeConsumerGroups(List.of(name)).all().get().get(name);
        System.out.println("group " + seen.groupState() + " " + seen.partitionAssignor());
        for (var member : seen.members())
            System.out.println("member" + member.assignment().topicPartitions().stream()
                .map(p -> " " + p.topic() + ":" + p.partition()).sorted()
                .collect(Collectors.joining()));
    }
}
