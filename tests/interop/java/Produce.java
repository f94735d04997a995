/* Writes records with Kafka's own client; the text format is that of ../README.md. */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.ByteArraySerializer;

import static java.nio.charset.StandardCharsets.UTF_8;

public class Produce {
    private static boolean failed;

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        Job job = null;
        for (String line; (line = in.readLine()) != null; ) {
            if (line.startsWith("@ ")) {
                end(job);
                job = new Job(args[0], line);
            } else {
                job.send(line);
            }
        }
        end(job);
        System.out.flush();
        System.exit(failed ? 1 : 0);
    }

    private static void end(Job job) {
        if (job != null)
            job.finish();
    }

    private static final class Job {
        private final String topic;
        private final KafkaProducer<byte[], byte[]> producer;
        private final List<Future<RecordMetadata>> results = new ArrayList<>();

        Job(String bootstrap, String line) {
            String[] words = line.split(" ");
            Properties properties = new Properties();
            properties.put("bootstrap.servers", bootstrap);
            for (int i = 2; i < words.length; i++) {
                String[] pair = words[i].split("=", 2);
                properties.put(pair[0], pair[1]);
            }
            topic = words[1];
            producer = new KafkaProducer<>(
                properties, new ByteArraySerializer(), new ByteArraySerializer());
            System.out.println(line);
        }

        void send(String line) {
            String[] f = line.split("\\|", -1);
            Integer partition = f[0].equals("-") ? null : Integer.valueOf(f[0]);
            Long timestamp = f[1].equals("-") ? null : Long.valueOf(f[1]);
            results.add(producer.send(new ProducerRecord<>(
                topic, partition, timestamp, bytes(f[2]), bytes(f[3]), headers(f[4]))));
        }

        void finish() {
            producer.close();
            for (Future<RecordMetadata> result : results)
                System.out.println(outcome(result));
        }
    }

    private static String outcome(Future<RecordMetadata> result) {
        try {
            RecordMetadata m = result.get();
            return m.partition() + "|" + m.offset();
        } catch (ExecutionException | InterruptedException e) {
            failed = true;
            return "error|" + (e.getCause() == null ? e : e.getCause()).getMessage();
        }
    }

    private static byte[] bytes(String hex) {
        return hex.equals("null") ? null : HexFormat.of().parseHex(hex);
    }

    private static List<Header> headers(String text) {
        List<Header> headers = new ArrayList<>();
        if (text.isEmpty())
            return headers;
        for (String header : text.split(",", -1)) {
            String[] pair = header.split("=", 2);
            headers.add(new RecordHeader(new String(bytes(pair[0]), UTF_8), bytes(pair[1])));
        }
        return headers;
    }
}
