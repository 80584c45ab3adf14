import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Prints the schemas of all records of the metadata log, as the release on the class path has them: a line each, its name, a
 * tab, and the JSON without comments; then the highest level of metadata.version that the release knows.
 */
public final class Records {
    private static final String FOLDER = "common/metadata/";

    public static void main(String[] arguments) throws Exception {
        TreeMap<String, String> schemas = new TreeMap<>();
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!new File(path).getName().matches("kafka-metadata-\\d.*\\.jar")) {
                continue;
            }
            try (JarFile jar = new JarFile(path)) {
                for (JarEntry entry : (Iterable<JarEntry>) jar.stream()::iterator) {
                    if (entry.getName().startsWith(FOLDER) && entry.getName().endsWith("Record.json")) {
                        String text = new String(jar.getInputStream(entry).readAllBytes(), StandardCharsets.UTF_8);
                        schemas.put(entry.getName().substring(FOLDER.length()), withoutComments(text));
                    }
                }
            }
        }
        schemas.forEach((name, schema) -> System.out.println(name + "\t" + schema));
        System.out.println("metadata.version\t" + highestLevel());
    }

    private static String withoutComments(String text) {
        return text.lines().filter(line -> !line.strip().startsWith("//")).reduce("", (all, line) -> all + " " + line.strip());
    }

    private static int highestLevel() throws Exception {
        Class<?> type = Class.forName("org.apache.kafka.server.common.MetadataVersion");
        int highest = 0;
        for (Object version : type.getEnumConstants()) {
            highest = Math.max(highest, ((Number) type.getMethod("featureLevel").invoke(version)).intValue());
        }
        return highest;
    }
}
