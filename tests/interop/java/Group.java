/* Two of Kafka's own consumers share a topic of four partitions, and one leaves.
 *
 *   java @$KFK_KAFKA_ARGS Group.java BOOTSTRAP NAME [PROPERTY=VALUE ...]
 *
 * NAME is that of the topic and of the group, which are both new. Prints, a line each: how many
 * partitions the first has while it is alone, what an admin client sees of the two of them, how many
 * records they have read, each record once, and how many partitions the one has that is left. With
 * group.instance.id=X their instances are X1 and X2; with pattern=RE they subscribe by that; a property
 * that begins with "second." is that of the second alone. */
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.SubscriptionPattern;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Group {
    private static final long TIMEOUT_MS = 60_000;
    private static final int PARTITIONS = 4, RECORDS = 40;

    private final Properties properties = new Properties();
    private final String name;
    private final List<KafkaConsumer<String, String>> consumers = new ArrayList<>();
    private final List<String> values = new ArrayList<>();
    private String pattern;

    private Group(String[] args) {
        name = args[1];
        properties.put("bootstrap.servers", args[0]);
        properties.put("group.id", name);
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        for (int i = 2; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            if (pair[0].equals("pattern"))
                pattern = pair[1];
            else
                properties.put(pair[0], pair[1]);
        }
    }

    private void join() {
        Properties mine = new Properties();
        for (String key : properties.stringPropertyNames())
            if (!key.startsWith("second."))
                mine.put(key, properties.getProperty(key));
            else if (!consumers.isEmpty())
                mine.put(key.substring("second.".length()), properties.getProperty(key));
        String instance = mine.getProperty("group.instance.id");
        if (instance != null)
            mine.put("group.instance.id", instance + (consumers.size() + 1));
        var strings = new StringDeserializer();
        var consumer = new KafkaConsumer<>(mine, strings, strings);
        if (pattern != null)
            consumer.subscribe(new SubscriptionPattern(pattern));
        else
            consumer.subscribe(List.of(name));
        consumers.add(consumer);
    }

    private void until(String what, BooleanSupplier done) {
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (!done.getAsBoolean()) {
            if (System.currentTimeMillis() > deadline)
                throw new IllegalStateException(what + " does not come; they have " + shares());
            for (var consumer : consumers)
                consumer.poll(Duration.ofMillis(50)).forEach(r -> values.add(r.value()));
        }
    }

    private List<Integer> shares() {
        return consumers.stream().map(c -> c.assignment().size()).toList();
    }

    private void send() throws Exception {
        var strings = new StringSerializer();
        try (var producer = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers",
                properties.get("bootstrap.servers")), strings, strings)) {
            for (int i = 0; i < RECORDS; i++)
                producer.send(new ProducerRecord<>(name, i % PARTITIONS, null, "" + i)).get();
        }
    }

    private void run(Admin admin) throws Exception {
        admin.createTopics(List.of(new NewTopic(name, PARTITIONS, (short) 1))).all().get();
        join();
        until("all to one", () -> shares().equals(List.of(PARTITIONS)));
        System.out.println("alone: " + shares());
        join();
        until("half to each", () -> shares().equals(List.of(PARTITIONS / 2, PARTITIONS / 2)));
        var seen = admin.describeConsumerGroups(List.of(name)).all().get().get(name);
        System.out.println("two: " + shares() + " " + seen.groupState() + " " + seen.members().size());
        send();
        until("records", () -> values.size() >= RECORDS);
        System.out.println("records: " + values.size() + " " + new TreeSet<>(values).size());
        consumers.forEach(KafkaConsumer::commitSync);
        consumers.remove(1).close();
        if (properties.containsKey("group.instance.id")) // which stays, by itself
            admin.removeMembersFromConsumerGroup(name, new RemoveMembersFromConsumerGroupOptions(
                List.of(new MemberToRemove(properties.get("group.instance.id") + "2")))).all().get();
        until("all to the other", () -> shares().equals(List.of(PARTITIONS)));
        System.out.println("left: " + shares());
        consumers.remove(0).close();
        var committed = admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata().get();
        System.out.println("committed: " + committed.values().stream().mapToLong(o -> o.offset()).sum());
    }

    public static void main(String[] args) throws Exception {
        var group = new Group(args);
        try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", args[0]))) {
            group.run(admin);
        }
    }
}
