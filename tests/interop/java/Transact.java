/* Writes committed and aborted transactions, one amid the other, and records without, to partition
 * 0 of a topic, ROUNDS times the same. Values say what became of them.
 *
 *   java @$KFK_KAFKA_ARGS Transact.java BOOTSTRAP TOPIC ROUNDS */
import java.util.Properties;

import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class Transact {
    private static String topic;
    private static int written;

    public static void main(String[] args) {
        topic = args[1];
        try (var a = producer(args[0], "a"); var b = producer(args[0], "b");
             var plain = producer(args[0], null)) {
            a.initTransactions();
            b.initTransactions();
            for (int i = 0; i < Integer.parseInt(args[2]); i++)
                round(a, b, plain);
        }
    }

    private static KafkaProducer<String, String> producer(String bootstrap, String id) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("compression.type", "b".equals(id) ? "lz4" : "none");
        if (id != null)
            p.put("transactional.id", topic + "-" + id);
        return new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
    }

    /* Waits until its batch is in the log, so that batches lie there as they are written here. */
    private static void put(KafkaProducer<String, String> p, String what, int n) {
        for (int i = 0; i < n; i++, written++)
            p.send(new ProducerRecord<>(topic, 0, 1700000000000L + written, "k" + written,
                                        what + " " + written));
        p.flush();
    }

    private static void round(KafkaProducer<String, String> a, KafkaProducer<String, String> b,
                              KafkaProducer<String, String> plain) {
        a.beginTransaction();
        b.beginTransaction();
        put(a, "aborted", 2);
        put(b, "committed", 3);
        put(plain, "plain", 1);
        put(a, "aborted", 1);
        a.abortTransaction();
        a.beginTransaction();
        put(a, "committed", 2);
        put(b, "committed", 1);
        b.commitTransaction();
        b.beginTransaction();
        put(b, "aborted", 4);
        a.commitTransaction();
        put(plain, "plain", 2);
        b.abortTransaction();
        a.beginTransaction();
        b.beginTransaction();
        put(b, "aborted", 1);
        put(a, "aborted", 1);
        b.abortTransaction();
        a.abortTransaction();
    }
}
