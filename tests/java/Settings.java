import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Base64;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigException;

/**
 * What one release of Kafka says of its broker's settings. Run with that release's jars on the class path, and one word:
 *
 * `catalogue` prints what it knows of them, a line each, sorted by key, tab-separated: key, type, default, validator,
 * importance, update mode, flags, documentation.
 * `values` reads lines of key and value with a tab between them, and prints for each `taken`, or `refused` and why.
 * `files` does the same for whole files, a line each in base 64: does KafkaConfig take it?
 */
public class Settings {
    public static void main(String[] arguments) throws Exception {
        StringBuilder out = new StringBuilder();
        PrintStream answers = System.out;
        // Kafka's log goes there otherwise.
        System.setOut(System.err);
        switch (arguments[0]) {
            case "catalogue":
                catalogue(out);
                break;
            case "values":
                ConfigDef definition = definition();
                each(line -> value(definition, line), out);
                break;
            case "files":
                Method taken = Class.forName("kafka.server.KafkaConfig").getMethod("fromProps", Properties.class, boolean.class);
                each(line -> file(taken, line), out);
                break;
            default:
                throw new IllegalArgumentException(arguments[0]);
        }
        answers.write(out.toString().getBytes("UTF-8"));
        answers.flush();
    }

    interface Question {
        void ask(String line) throws Exception;
    }

    static void each(Question question, StringBuilder out) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                question.ask(line);
                out.append("taken\n");
            } catch (ConfigException | IllegalArgumentException refused) {
                out.append("refused ").append(plain(refused.getMessage())).append('\n');
            } catch (InvocationTargetException failed) {
                // Whatever it is, the broker does not start.
                Throwable cause = failed.getCause();
                out.append("refused ").append(plain(cause.getClass().getSimpleName() + ": " + cause.getMessage())).append('\n');
            }
        }
    }

    static void value(ConfigDef definition, String line) {
        int tab = line.indexOf('\t');
        ConfigDef.ConfigKey key = definition.configKeys().get(line.substring(0, tab));
        Object value = ConfigDef.parseType(key.name, line.substring(tab + 1), key.type);
        if (key.validator != null) {
            key.validator.ensureValid(key.name, value);
        }
    }

    static void file(Method taken, String line) throws Exception {
        Properties settings = new Properties();
        settings.load(new ByteArrayInputStream(Base64.getDecoder().decode(line)));
        taken.invoke(null, settings, false);
    }

    static void catalogue(StringBuilder out) throws Exception {
        Map<String, String> modes = modes();
        Map<String, ConfigDef.ConfigKey> keys = new TreeMap<>(definition().configKeys());
        for (ConfigDef.ConfigKey key : keys.values()) {
            String doc = key.documentation == null ? "" : key.documentation;
            out.append(String.join("\t",
                key.name,
                key.type.name().toLowerCase(),
                key.hasDefault() ? "=" + plain(ConfigDef.convertToString(key.defaultValue, key.type)) : "!",
                validator(key.validator),
                key.importance.name().toLowerCase(),
                modes.getOrDefault(key.name, "read-only"),
                flags(key, doc),
                words(doc))).append('\n');
        }
    }

    /** It moved: a value of Scala's object KafkaConfig, later a constant of AbstractKafkaConfig. */
    static ConfigDef definition() throws Exception {
        try {
            return (ConfigDef) field(Class.forName("org.apache.kafka.server.config.AbstractKafkaConfig"), "CONFIG_DEF", null);
        } catch (ClassNotFoundException | NoSuchFieldException older) {
            Object module = module("kafka.server.KafkaConfig$");
            return (ConfigDef) field(module.getClass(), "configDef", module);
        }
    }

    /** DynamicBrokerConfig.dynamicConfigUpdateModes: which settings change without a restart. */
    @SuppressWarnings("unchecked")
    static Map<String, String> modes() throws Exception {
        for (String name : new String[] {
            "kafka.server.DynamicBrokerConfig$", "org.apache.kafka.server.config.DynamicBrokerConfig"}) {
            try {
                Class<?> type = Class.forName(name);
                Object module = name.endsWith("$") ? module(name) : null;
                return (Map<String, String>) type.getMethod("dynamicConfigUpdateModes").invoke(module);
            } catch (ClassNotFoundException | NoSuchMethodException elsewhere) {
                continue;
            }
        }
        throw new IllegalStateException("where are the update modes?");
    }

    static Object module(String name) throws Exception {
        return Class.forName(name).getField("MODULE$").get(null);
    }

    static Object field(Class<?> type, String name, Object of) throws Exception {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(of);
    }

    static String validator(ConfigDef.Validator validator) throws Exception {
        if (validator == null) {
            return "-";
        }
        String name = validator.getClass().getSimpleName();
        switch (name) {
            case "Range":
                return "range " + bound(field(validator.getClass(), "min", validator)) + " "
                    + bound(field(validator.getClass(), "max", validator));
            case "ValidString":
                return "one-of " + list(field(validator.getClass(), "validStrings", validator));
            case "CaseInsensitiveValidString":
                return "one-of-any-case " + list(field(validator.getClass(), "validStrings", validator));
            case "ValidList":
                Object inner = field(validator.getClass(), "validString", validator);
                // Since it knows whether it may be empty, it also refuses what is there twice, or empty between commas.
                Boolean empty = emptyAllowed(validator);
                return (empty == null ? "" : empty ? "distinct-" : "distinct-not-empty-") + "list-of " + list(field(inner.getClass(), "validStrings", inner));
            default:
                // A lambda's name is another one in each run.
                return "other " + (name.contains("$$Lambda") || name.isEmpty() ? "Lambda" : name);
        }
    }

    static Boolean emptyAllowed(Object validator) throws Exception {
        try {
            return (Boolean) field(validator.getClass(), "isEmptyAllowed", validator);
        } catch (NoSuchFieldException older) {
            return null;
        }
    }

    static String bound(Object bound) {
        return bound == null ? "-" : bound.toString();
    }

    @SuppressWarnings("unchecked")
    static String list(Object values) {
        return String.join(",", (Iterable<String>) values);
    }

    static String flags(ConfigDef.ConfigKey key, String doc) {
        String start = doc.strip().toLowerCase();
        boolean deprecated = start.startsWith("deprecated") || start.startsWith("(deprecated") || start.startsWith("[deprecated")
            || start.contains("this configuration is deprecated") || start.contains("this configuration has been deprecated");
        return (key.internalConfig ? "i" : "") + (deprecated ? "d" : "");
    }

    /** Without markup. */
    static String words(String doc) {
        return plain(doc.replaceAll("<[^>]*>", " ")).strip();
    }

    static String plain(String text) {
        return text == null ? "null" : text.replaceAll("[\\s\\p{Cntrl}]+", " ");
    }
}
