/*
 * What Java makes of keys: reads a key a line, in hex, and prints KEY|MURMUR2|PARTITION|..., the
 * last for each count that the first line names. What follows a key is ignored, so that it can
 * read its own output.
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Collectors;

import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.utils.Utils;

public class Keys {
    private static final int[] COUNTS = {1, 2, 3, 7, 12, 100, 1000, Integer.MAX_VALUE};

    public static void main(String[] args) throws Exception {
        System.out.println("# key|murmur2|partition of " + join(COUNTS));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            if (line.startsWith("#"))
                continue;
            byte[] key = HexFormat.of().parseHex(line.split("\\|", 2)[0]);
            int[] partitions = Arrays.stream(COUNTS)
                .map(n -> BuiltInPartitioner.partitionForKey(key, n)).toArray();
            System.out.println(HexFormat.of().formatHex(key) + "|" + Utils.murmur2(key) + "|"
                + join(partitions));
        }
    }

    private static String join(int[] numbers) {
        return Arrays.stream(numbers).mapToObj(String::valueOf).collect(Collectors.joining("|"));
    }
}
