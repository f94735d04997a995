/* Writes batches as the Java client makes them: one file for each codec, one of control batches,
 * one of batches that were compacted.
 *
 *   java -cp 'JARS/*' BatchGolden.java DIR */
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.CompressionType;
import org.apache.kafka.common.record.internal.ControlRecordType;
import org.apache.kafka.common.record.internal.EndTransactionMarker;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.MemoryRecordsBuilder;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.record.internal.RecordBatch;
import org.apache.kafka.common.utils.BufferSupplier;

public class BatchGolden {
    static final long T = 1700000000000L;
    static final Header[] NONE = {};

    static byte[] text(int n) {
        byte[] b = new byte[n];
        for (int i = 0; i < n; i++)
            b[i] = (byte) ("the quick brown fox ".charAt(i % 20) + (i / 7000));
        return b;
    }

    static byte[] noise(int n) {
        byte[] b = new byte[n];
        int x = 1;
        for (int i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            b[i] = (byte) (x >>> 24);
        }
        return b;
    }

    static byte[] of(String s) {
        return s.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    static MemoryRecordsBuilder builder(ByteBuffer out, Compression c, TimestampType type,
                                        long base, long pid, int epoch, int sequence,
                                        boolean txn, int leaderEpoch) {
        return MemoryRecords.builder(out, RecordBatch.MAGIC_VALUE_V2, c, type, base,
                                     type == TimestampType.LOG_APPEND_TIME ? T + 777 : -1, pid,
                                     (short) epoch, sequence, txn, leaderEpoch);
    }

    /* Every way in which a key, a value and a header can be there or not; times out of order. */
    static void forms(ByteBuffer out, Compression c, TimestampType type, long base) {
        MemoryRecordsBuilder b = builder(out, c, type, base, -1, -1, -1, false, 5);
        Header[] headers = {
            new RecordHeader("h1", of("v1")), new RecordHeader("", new byte[0]),
            new RecordHeader("h1", (byte[]) null), new RecordHeader("\u00e9\u20ac", of("x"))};

        b.append(T, null, of("value"), NONE);
        b.append(T + 5, of("key"), of("value"), NONE);
        b.append(T - 100000, of("key"), null, NONE);
        b.append(T + 64, (byte[]) null, null, NONE);
        b.append(T + 63, new byte[0], new byte[0], NONE);
        b.append(T + 8192, of("key"), of("value"), headers);
        b.append(T + 8191, (byte[]) null, null, headers);
        b.append(T + 100000000000L, text(300), text(1000), NONE);
        b.close();
    }

    static void sizes(ByteBuffer out, Compression c, long base, int large) {
        MemoryRecordsBuilder b = builder(out, c, TimestampType.CREATE_TIME, base, 4001, 3,
                                         Integer.MAX_VALUE - 2, false, 0);
        Header[] many = new Header[300];

        for (int i = 0; i < many.length; i++)
            many[i] = new RecordHeader("h" + i, i % 3 == 0 ? null : text(i % 50));
        for (int i = 0; i < 140; i++)
            b.append(T + i, i % 2 == 0 ? null : text(i), text(i), NONE);
        b.append(T + 200, of("headers"), of("300"), many);
        b.append(T + 201, of("large"), text(large), NONE);
        b.append(T + 202, of("noise"), noise(2000), NONE);
        b.close();
    }

    static void transactional(ByteBuffer out, Compression c, long base) {
        MemoryRecordsBuilder b = builder(out, c, TimestampType.CREATE_TIME, base, Long.MAX_VALUE,
                                         Short.MAX_VALUE, 0, true, 17);

        b.append(T, of("a"), of("b"), NONE);
        b.close();
    }

    static ByteBuffer codec(CompressionType type, int large) {
        Compression c = Compression.of(type).build();
        ByteBuffer out = ByteBuffer.allocate(4 << 20);

        forms(out, c, TimestampType.CREATE_TIME, 0);
        forms(out, c, TimestampType.LOG_APPEND_TIME, 1000);
        sizes(out, c, 5000000000L, large);
        transactional(out, c, 5000000200L);
        return out;
    }

    static ByteBuffer control() {
        ByteBuffer out = ByteBuffer.allocate(4096);

        MemoryRecords.writeEndTransactionalMarker(
            out, 10, T, 3, 4001, (short) 3, new EndTransactionMarker(ControlRecordType.COMMIT, 7));
        MemoryRecords.writeEndTransactionalMarker(
            out, 11, T + 1, 4, 4002, (short) 0, new EndTransactionMarker(ControlRecordType.ABORT, 8));
        return out;
    }

    /* Every third record of a batch stays, all and none of others; a delete horizon is set. */
    static ByteBuffer compacted() {
        ByteBuffer in = ByteBuffer.allocate(1 << 16), out = ByteBuffer.allocate(1 << 16);
        Compression none = Compression.NONE, lz4 = Compression.lz4().build();

        for (Compression c : new Compression[] {none, lz4, none}) {
            MemoryRecordsBuilder b = builder(in, c, TimestampType.CREATE_TIME, in.position(), 9, 1,
                                             50, false, 2);
            for (int i = 0; i < 10; i++)
                b.append(T + i, of("k" + i), i == 3 ? null : text(20 + i), NONE);
            b.close();
        }
        in.flip();
        MemoryRecords.readableRecords(in).filterTo(
            new MemoryRecords.RecordFilter(T, 1000) {
                @Override
                protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                    return new BatchRetentionResult(BatchRetention.RETAIN_EMPTY, false);
                }

                @Override
                protected boolean shouldRetainRecord(RecordBatch batch, Record r) {
                    boolean last = batch.baseOffset() != 0
                        && batch.compressionType() == CompressionType.NONE;
                    return !last && (r.offset() - batch.baseOffset()) % 3 == 0;
                }
            },
            out, BufferSupplier.NO_CACHING);
        return out;
    }

    static void write(String dir, String name, ByteBuffer b) throws Exception {
        Files.write(Path.of(dir, name), Arrays.copyOf(b.array(), b.position()));
    }

    public static void main(String[] args) throws Exception {
        for (CompressionType type : CompressionType.values())
            write(args[0], type.name + ".bin",
                  codec(type, type == CompressionType.NONE ? 9000 : 150000));
        write(args[0], "control.bin", control());
        write(args[0], "compacted.bin", compacted());
    }
}
