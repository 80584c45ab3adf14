import java.io.*;
import java.util.*;

/** The real java.util.Properties: reads length-prefixed inputs, answers with what it made of each. */
public class PropertiesPeer {
    public static void main(String[] args) throws IOException {
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            byte[] bytes = in.readNBytes(in.readInt());
            Properties loaded = new Properties();
            try {
                loaded.load(new ByteArrayInputStream(bytes));
            } catch (IllegalArgumentException e) {
                out.writeInt(-1);
                continue;
            }
            out.writeInt(loaded.size());
            for (String key : new TreeSet<>(loaded.stringPropertyNames())) {
                text(out, key);
                text(out, loaded.getProperty(key));
            }
            ByteArrayOutputStream stored = new ByteArrayOutputStream();
            loaded.store(stored, null);
            out.writeInt(stored.size());
            stored.writeTo(out);
        }
        out.flush();
    }

    /** UTF-16, because Java's strings may hold half a surrogate pair. */
    private static void text(DataOutputStream out, String text) throws IOException {
        // getBytes would replace those.
        out.writeInt(text.length());
        for (char c : text.toCharArray()) out.writeChar(c);
    }
}
