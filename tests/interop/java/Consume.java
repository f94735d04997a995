/* Reads topics to their ends with Kafka's own client; the text format is that of ../README.md. */
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

import static java.nio.charset.StandardCharsets.UTF_8;

public class Consume {
    private static final long TIMEOUT_MS = 60_000;

    public static void main(String[] args) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", args[0]);
        properties.put("auto.offset.reset", "none");
        properties.put("fetch.max.wait.ms", "10"); // the next topic waits for the last fetch
        List<String> topics = new ArrayList<>();
        for (int i = 1; i < args.length; i++) {
            String[] pair = args[i].split("=", 2);
            if (pair.length == 2)
                properties.put(pair[0], pair[1]);
            else
                topics.add(args[i]);
        }
        StringBuilder out = new StringBuilder();
        var bytes = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<>(properties, bytes, bytes)) {
            for (String topic : topics)
                print(out.append("@ ").append(topic).append('\n'), read(consumer, topic));
        }
        System.out.print(out);
    }

    private static List<ConsumerRecord<byte[], byte[]>> read(
            KafkaConsumer<byte[], byte[]> consumer, String topic) {
        List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
            .map(p -> new TopicPartition(topic, p.partition())).toList();
        consumer.assign(partitions);
        consumer.seekToBeginning(partitions);
        Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        long deadline = System.currentTimeMillis() + TIMEOUT_MS;
        while (partitions.stream().anyMatch(p -> consumer.position(p) < ends.get(p))) {
            if (System.currentTimeMillis() > deadline)
                throw new IllegalStateException("the end of " + topic + " does not come");
            consumer.poll(Duration.ofMillis(100)).forEach(records::add);
        }
        records.removeIf(r -> r.offset() >= ends.get(new TopicPartition(topic, r.partition())));
        records.sort(Comparator.<ConsumerRecord<?, ?>>comparingInt(r -> r.partition())
            .thenComparingLong(r -> r.offset()));
        return records;
    }

    private static void print(StringBuilder out, List<ConsumerRecord<byte[], byte[]>> records) {
        for (var r : records)
            out.append(r.partition()).append('|').append(r.timestamp()).append('|')
                .append(hex(r.key())).append('|').append(hex(r.value())).append('|')
                .append(headers(r.headers())).append('|').append(r.offset()).append('|')
                .append(type(r.timestampType())).append('|')
                .append(r.leaderEpoch().map(String::valueOf).orElse("-")).append('\n');
    }

    private static String hex(byte[] bytes) {
        return bytes == null ? "null" : HexFormat.of().formatHex(bytes);
    }

    private static String headers(Iterable<Header> headers) {
        List<String> pairs = new ArrayList<>();
        for (Header h : headers)
            pairs.add(hex(h.key().getBytes(UTF_8)) + "=" + hex(h.value()));
        return String.join(",", pairs);
    }

    private static String type(TimestampType type) {
        return switch (type) {
            case CREATE_TIME -> "create";
            case LOG_APPEND_TIME -> "append";
            default -> "none";
        };
    }
}
