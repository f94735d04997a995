/* Lists every batch, or message of before Kafka 0.11, and record of a file, as the Java client sees
 * them.
 *
 *   java -cp 'JARS/*' BatchRead.java FILE
 *
 * tests/unit/record/listing.h prints the same from C. */
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.DefaultRecordBatch;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MutableRecordBatch;
import org.apache.kafka.common.record.internal.Record;

public class BatchRead {
    static String bytes(ByteBuffer b) {
        if (b == null)
            return "-";
        byte[] all = new byte[b.remaining()];
        b.duplicate().get(all);
        if (all.length > 40) {
            CRC32C crc = new CRC32C();
            crc.update(all);
            return String.format("#%d:%08x", all.length, crc.getValue());
        }
        StringBuilder s = new StringBuilder("'");
        for (byte x : all)
            s.append(String.format("%02x", x));
        return s.toString();
    }

    static int flag(boolean b) {
        return b ? 1 : 0;
    }

    static void list(DefaultRecordBatch b, StringBuilder out) {
        b.ensureValid();
        out.append(String.format(
            "batch %d..%d size=%d epoch=%d codec=%s append=%d base=%d max=%d producer=%d/%d/%d"
                + " txn=%d control=%d horizon=%d count=%d%n",
            b.baseOffset(), b.lastOffset(), b.sizeInBytes(), b.partitionLeaderEpoch(),
            b.compressionType().name, flag(b.timestampType() == TimestampType.LOG_APPEND_TIME),
            b.baseTimestamp(), b.maxTimestamp(), b.producerId(), b.producerEpoch(),
            b.baseSequence(), flag(b.isTransactional()), flag(b.isControlBatch()),
            flag(b.deleteHorizonMs().isPresent()), b.countOrNull()));
        for (Record r : b) {
            out.append(String.format("  %d t=%d k=%s v=%s", r.offset(), r.timestamp(),
                                     bytes(r.key()), bytes(r.value())));
            if (b.isControlBatch())
                out.append(" type=").append(ControlRecordType.parse(r.key()).type());
            for (Header h : r.headers()) {
                byte[] v = h.value();
                out.append(" ")
                    .append(bytes(ByteBuffer.wrap(h.key().getBytes(StandardCharsets.UTF_8))))
                    .append("=")
                    .append(bytes(v == null ? null : ByteBuffer.wrap(v)));
            }
            out.append("\n");
        }
    }

    /* A message alone, or one that is a compressed set of them. */
    static void listOld(MutableRecordBatch b, StringBuilder out) {
        StringBuilder records = new StringBuilder();
        int n = 0;
        b.ensureValid();
        for (Record r : b) {
            r.ensureValid();
            records.append(String.format("  %d t=%d k=%s v=%s%n", r.offset(), r.timestamp(),
                                         bytes(r.key()), bytes(r.value())));
            n++;
        }
        out.append(String.format(
            "message %d..%d size=%d magic=%d codec=%s append=%d max=%d count=%d%n",
            b.baseOffset(), b.lastOffset(), b.sizeInBytes(), b.magic(), b.compressionType().name,
            flag(b.timestampType() == TimestampType.LOG_APPEND_TIME), b.maxTimestamp(), n));
        out.append(records);
    }

    public static void main(String[] args) throws Exception {
        ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(Path.of(args[0])));
        MemoryRecords records = MemoryRecords.readableRecords(file);
        StringBuilder out = new StringBuilder();

        for (MutableRecordBatch b : records.batches())
            if (b instanceof DefaultRecordBatch)
                list((DefaultRecordBatch) b, out);
            else
                listOld(b, out);
        if (records.validBytes() != file.limit())
            throw new IllegalStateException("bytes behind the last batch");
        System.out.print(out);
    }
}
