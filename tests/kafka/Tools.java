/*
 * Runs one of Kafka's command-line tools again and again in one JVM, for compare_tools.
 *
 *   java @$KFK_KAFKA_ARGS Tools.java org.apache.kafka.tools.TopicCommand
 *
 * Reads a command line a line: what stdin is to be, in hex, and the arguments, each after U+001F. It
 * answers with a line "STATUS OUT ERR", where OUT and ERR count the bytes that follow: what went to
 * stdout and stderr. Shutdown hooks have run by then, as they would at the end of the JVM.
 */
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import org.apache.kafka.common.utils.Exit;

import static java.nio.charset.StandardCharsets.UTF_8;

public class Tools {
    /** The first exit counts: a tool may catch what stops it and exit again. */
    private static final class Run extends RuntimeException {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private final ByteArrayOutputStream err = new ByteArrayOutputStream();
        private final List<Runnable> hooks = new ArrayList<>();
        private int status = -1;
        private byte[] outBytes, errBytes;

        private void end(int status) {
            if (this.status >= 0)
                return;
            this.status = status;
            outBytes = taken(System.out, out);
            errBytes = taken(System.err, err);
        }

        /** What a tool printed where it went on behind its end does not count. */
        private void runHooks() {
            taken(System.out, out);
            hooks.forEach(Runnable::run);
            byte[] more = taken(System.out, out);
            int before = outBytes.length;
            outBytes = Arrays.copyOf(outBytes, before + more.length);
            System.arraycopy(more, 0, outBytes, before, more.length);
        }

        private static byte[] taken(PrintStream stream, ByteArrayOutputStream from) {
            stream.flush();
            byte[] bytes = from.toByteArray();
            from.reset();
            return bytes;
        }
    }

    public static void main(String[] args) throws Exception {
        Method main = Class.forName(args[0]).getMethod("main", String[].class);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, UTF_8));
        PrintStream stdout = System.out;
        for (String line; (line = in.readLine()) != null; )
            write(stdout, run(main, line.split("\u001f", -1)));
    }

    private static Run run(Method main, String[] words) throws IllegalAccessException {
        String[] args = Arrays.copyOfRange(words, 1, words.length);
        Run run = new Run();
        System.setIn(new ByteArrayInputStream(HexFormat.of().parseHex(words[0])));
        System.setOut(new PrintStream(run.out, false, UTF_8));
        System.setErr(new PrintStream(run.err, false, UTF_8));
        Exit.Procedure trap = (status, message) -> {
            run.end(status);
            throw run;
        };
        Exit.setExitProcedure(trap);
        Exit.setHaltProcedure(trap);
        Exit.setShutdownHookAdder((name, hook) -> run.hooks.add(hook));
        try {
            main.invoke(null, (Object) args);
            run.end(0);
        } catch (InvocationTargetException e) {
            if (e.getCause() != run)
                e.getCause().printStackTrace();
            run.end(1);
        }
        run.runHooks();
        return run;
    }

    private static void write(OutputStream to, Run run) throws IOException {
        String head = run.status + " " + run.outBytes.length + " " + run.errBytes.length + "\n";
        to.write(head.getBytes(UTF_8));
        to.write(run.outBytes);
        to.write(run.errBytes);
        to.flush();
    }
}
