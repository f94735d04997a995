import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.NullableSchema;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Encodes sample messages with Kafka's own classes, for tests/unit/proto/golden.txt:
 *
 *     java -cp kafka-clients.jar GoldenMessages.java KEY|NAME... > golden.txt
 *
 * A line is "KEY VERSION KIND HEX"; KIND is req or res, or reqh or resh for the headers, which carry correlation id
 * 0x01020304 and client id "golden". A message that is no API's, as ConsumerProtocolAssignment, is named by its class:
 * "NAME VERSION data HEX", without the version in front. Of each message there are three: with everything set; with all that can be null
 * or empty so, and no tagged field; and a mixture. The contents follow from the key, the version and the kind.
 */
public class GoldenMessages {
    enum Mode { FULL, BARE, MIXED }

    private final Random random;
    private final Mode mode;

    GoldenMessages(long seed, Mode mode) {
        this.random = new Random(seed);
        this.mode = mode;
    }

    /** Whether to leave out something that may be left out. */
    private boolean leaveOut() {
        return mode == Mode.BARE || mode == Mode.MIXED && random.nextInt(3) == 0;
    }

    private String string() {
        if (mode == Mode.BARE)
            return "";
        int n = random.nextInt(12) == 0 ? 130 : random.nextInt(7);
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < n; i++)
            s.append(random.nextInt(20) == 0 ? 'é' : (char) ('a' + random.nextInt(26)));
        return s.toString();
    }

    private byte[] bytes() {
        byte[] b = new byte[mode == Mode.BARE ? 0 : random.nextInt(40)];
        random.nextBytes(b);
        return b;
    }

    private Object number(Class<?> c) {
        long v = mode == Mode.BARE ? 0 : random.nextInt(2) == 0 ? random.nextInt(100) : random.nextLong();
        if (c == byte.class || c == Byte.class)
            return (byte) v;
        if (c == short.class || c == Short.class)
            return (short) v;
        if (c == int.class || c == Integer.class)
            return (int) v;
        if (c == long.class || c == Long.class)
            return v;
        throw new IllegalStateException("no sample for " + c);
    }

    private Object value(Class<?> c, org.apache.kafka.common.protocol.types.Type type) throws Exception {
        if (c == String.class)
            return string();
        if (c == boolean.class)
            return random.nextBoolean();
        if (c == byte[].class)
            return bytes();
        if (c == Uuid.class)
            return mode == Mode.BARE ? Uuid.ZERO_UUID : new Uuid(random.nextLong(), random.nextLong());
        if (c == ByteBuffer.class)
            return ByteBuffer.wrap(bytes());
        if (c.getName().endsWith("BaseRecords"))
            return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes()));
        if (type instanceof Schema)
            return fill(c.getDeclaredConstructor().newInstance(), (Schema) type);
        return number(c);
    }

    private static Class<?> elementClass(Type collection) {
        while (collection instanceof Class)
            collection = ((Class<?>) collection).getGenericSuperclass();
        return (Class<?>) ((ParameterizedType) collection).getActualTypeArguments()[0];
    }

    private Object collection(Method getter, org.apache.kafka.common.protocol.types.Type element) throws Exception {
        Class<?> c = getter.getReturnType();
        @SuppressWarnings("unchecked")
        Collection<Object> out = c == List.class ? new ArrayList<>()
            : (Collection<Object>) c.getDeclaredConstructor().newInstance();
        int n = mode == Mode.BARE ? 0 : mode == Mode.FULL ? 2 : random.nextInt(3);
        for (int i = 0; i < n; i++)
            out.add(value(elementClass(getter.getGenericReturnType()), element));
        return out;
    }

    private static Method method(Object message, String prefix, String snake) {
        String want = prefix + snake.replace("_", "");
        for (Method m : message.getClass().getMethods())
            if (m.getName().equalsIgnoreCase(want) && m.getParameterCount() == (prefix.isEmpty() ? 0 : 1))
                return m;
        throw new IllegalStateException(message.getClass() + " has no " + want);
    }

    private void set(Object message, Field field) throws Exception {
        Method getter = method(message, "", field.name);
        org.apache.kafka.common.protocol.types.Type type = field.type;
        boolean nullable = type.isNullable() || type instanceof NullableSchema;
        Object v;

        if (nullable && leaveOut())
            v = null;
        else if (type.isArray())
            v = collection(getter, type.arrayElementType().get());
        else
            v = value(getter.getReturnType(), type);
        method(message, "set", field.name).invoke(message, v);
    }

    /** Sets every field that the version has. */
    private Object fill(Object message, Schema schema) throws Exception {
        for (BoundField f : schema.fields()) {
            if (f.def.type instanceof TaggedFields) {
                for (Field tagged : ((TaggedFields) f.def.type).fields().values())
                    if (!leaveOut())
                        set(message, tagged);
            } else {
                set(message, f.def);
            }
        }
        return message;
    }

    private static void print(Object whose, int version, String kind, Message message, short at) {
        byte[] bytes = MessageUtil.byteBufferToArray(MessageUtil.toByteBufferAccessor(message, at).buffer());
        System.out.println(whose + " " + version + " " + kind + " " + HexFormat.of().formatHex(bytes));
    }

    private static void messages(ApiKeys api, short version, String kind, Schema schema) throws Exception {
        ApiMessageType type = ApiMessageType.fromApiKey(api.id);

        for (Mode mode : Mode.values()) {
            long seed = api.id * 100000L + version * 100L + mode.ordinal() * 10L + (kind.equals("req") ? 0 : 1);
            ApiMessage message = kind.equals("req") ? type.newRequest() : type.newResponse();
            new GoldenMessages(seed, mode).fill(message, schema);
            print(api.id, version, kind, message, version);
        }
    }

    private static void data(String name) throws Exception {
        Class<?> c = Class.forName("org.apache.kafka.common.message." + name);
        Schema[] schemas = (Schema[]) c.getField("SCHEMAS").get(null);

        for (short v = c.getField("LOWEST_SUPPORTED_VERSION").getShort(null); v < schemas.length; v++)
            for (Mode mode : Mode.values()) {
                Message message = (Message) c.getDeclaredConstructor().newInstance();
                new GoldenMessages(name.hashCode() * 1000L + v * 10L + mode.ordinal(), mode).fill(message, schemas[v]);
                print(name, v, "data", message, v);
            }
    }

    public static void main(String[] args) throws Exception {
        for (String arg : args) {
            if (!Character.isDigit(arg.charAt(0))) {
                data(arg);
                continue;
            }
            ApiKeys api = ApiKeys.forId(Integer.parseInt(arg));
            ApiMessageType type = ApiMessageType.fromApiKey(api.id);

            for (short v = type.lowestSupportedVersion(); v <= type.highestSupportedVersion(false); v++) {
                RequestHeaderData request = new RequestHeaderData();
                request.setRequestApiKey(api.id).setRequestApiVersion(v).setCorrelationId(0x01020304);
                request.setClientId("golden");
                print(api.id, v, "reqh", request, type.requestHeaderVersion(v));
                print(api.id, v, "resh", new ResponseHeaderData().setCorrelationId(0x01020304),
                    type.responseHeaderVersion(v));
                messages(api, v, "req", type.requestSchemas()[v]);
                messages(api, v, "res", type.responseSchemas()[v]);
            }
        }
    }
}
