/* A member of a group by Kafka's own consumer; ../README.md has its properties, lines and commands.
 *
 *   java @$KFK_KAFKA_ARGS Member.java BOOTSTRAP [PROPERTY=VALUE ...] TOPIC ... < commands */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;

import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class Member implements ConsumerRebalanceListener {
    private static final String STRATEGY = "partition.assignment.strategy";
    private static final Map<String, String> ASSIGNORS = Map.of(
        "range", "RangeAssignor", "roundrobin", "RoundRobinAssignor", "sticky", "StickyAssignor",
        "cooperative-sticky", "CooperativeStickyAssignor");

    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Queue<String> commands = new ConcurrentLinkedQueue<>();
    private boolean ended;

    private Member(String[] args) {
        Properties properties = new Properties();
        List<String> topics = new ArrayList<>();
        properties.put("bootstrap.servers", args[0]);
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        for (String word : Arrays.asList(args).subList(1, args.length)) {
            String[] pair = word.split("=", 2);
            if (pair.length == 1)
                topics.add(word);
            else
                properties.put(pair[0], pair[0].equals(STRATEGY) ? classes(pair[1]) : pair[1]);
        }
        var bytes = new ByteArrayDeserializer();
        consumer = new KafkaConsumer<>(properties, bytes, bytes);
        consumer.subscribe(topics, this);
    }

    private static String classes(String names) {
        return Arrays.stream(names.split(","))
            .map(name -> "org.apache.kafka.clients.consumer." + ASSIGNORS.get(name))
            .collect(Collectors.joining(","));
    }

    // ---- what is told ----

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        tell("assigned", partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        tell("revoked", partitions);
    }

    @Override
    public void onPartitionsLost(Collection<TopicPartition> partitions) {
        tell("lost", partitions);
    }

    private static void tell(String how, Collection<TopicPartition> partitions) {
        if (!partitions.isEmpty())
            System.out.println(how + partitions.stream()
                .map(p -> " " + p.topic() + ":" + p.partition()).collect(Collectors.joining()));
    }

    // ---- what is done ----

    private void poll() {
        try {
            for (var r : consumer.poll(Duration.ofMillis(20)))
                System.out.println("record " + r.topic() + ":" + r.partition() + "@" + r.offset());
        } catch (KafkaException e) {
            System.out.println("error " + e.getMessage());
        }
    }

    private void obey(String command) {
        String error = "";
        ended = command.equals("quit");
        try {
            if (ended)
                consumer.close();
            else if (command.equals("commit"))
                consumer.commitSync();
            else
                throw new IllegalArgumentException(command);
        } catch (KafkaException e) {
            error = " " + e.getMessage();
        }
        System.out.println("done " + command + error);
    }

    private void run() {
        while (!ended) {
            String command = commands.poll();
            if (command != null)
                obey(command);
            else
                poll();
        }
    }

    /* The end of stdin is an end, too. */
    private void listen() {
        new BufferedReader(new InputStreamReader(System.in)).lines().forEach(commands::add);
        commands.add("quit");
    }

    public static void main(String[] args) {
        Member member = new Member(args);
        var listener = new Thread(member::listen);
        listener.setDaemon(true);
        listener.start();
        member.run();
    }
}
